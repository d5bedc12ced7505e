/**
 * Reads events' payloads from their places in INGEST. Organisation and event id inside the message are verified at
 * every read: a place is a pointer, never a proof. What is deleted is not even looked for.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import type { AcceptedEvent, EventId, OrgId, PayloadPlace } from "@posthorn/domain";
import { type BusConnection, messageAt, streamPosition } from "@posthorn/message-bus";
import type { EventData } from "../core/present-event.ts";
import type { PayloadDeletions } from "./payload-deletions.ts";

export type PayloadOf = { readonly eventId: EventId; readonly place: PayloadPlace };

export type Payload =
  | { readonly kind: "found"; readonly event: AcceptedEvent }
  | { readonly kind: "gone"; readonly why: "age" | "deleted" }
  /** NATS cannot say. */
  | { readonly kind: "unavailable" };

/** What may be shown of it. */
export function dataOf(payload: Exclude<Payload, { kind: "unavailable" }>): EventData {
  return payload.kind === "found" ? { kind: "present", text: payload.event.data } : payload;
}

export type ReadPayload = (of: PayloadOf & { readonly orgId: OrgId }) => Promise<Payload>;
/** In the order of the question. */
export type ReadPayloads = (orgId: OrgId, of: readonly PayloadOf[]) => Promise<readonly Payload[]>;

const GONE_BY_AGE: Payload = { kind: "gone", why: "age" };
const DELETED: Payload = { kind: "gone", why: "deleted" };
const UNAVAILABLE: Payload = { kind: "unavailable" };

export function payloadReader(connection: BusConnection, deletions: PayloadDeletions) {
  const readPayloads: ReadPayloads = async (orgId, wanted) => {
    const eventIds = wanted.map(({ eventId }) => eventId);
    const deleted = await deletions.among(orgId, eventIds);
    const kept = wanted.filter(({ eventId }) => !deleted.has(eventId));
    const groups = await readGroups(connection, kept);
    return wanted.map(({ eventId, place }) => {
      if (deleted.has(eventId)) return DELETED;
      if (groups === undefined) return UNAVAILABLE;
      const event = groups.get(placeKey(place))?.[place.index];
      return event?.orgId === orgId && event.id === eventId ? { kind: "found", event } : GONE_BY_AGE;
    });
  };
  const readPayload: ReadPayload = async ({ orgId, ...of }) => {
    const [payload = UNAVAILABLE] = await readPayloads(orgId, [of]);
    return payload;
  };
  return { readPayload, readPayloads };
}

type Groups = ReadonlyMap<string, readonly AcceptedEvent[]>;

/** Every message once, by epoch and sequence; undefined when NATS cannot say. */
async function readGroups(connection: BusConnection, wanted: readonly PayloadOf[]): Promise<Groups | undefined> {
  if (wanted.length === 0) return new Map();
  if (!connection.isConnected) return undefined;
  try {
    const { epochMs } = await streamPosition(connection, "INGEST");
    const current = wanted.filter(({ place }) => place.epochMs === epochMs);
    const bySequence = new Map(current.map(({ place }) => [place.sequence, placeKey(place)]));
    const groups = await Promise.all(
      [...bySequence].map(async ([sequence, key]) => [key, await readGroup(connection, sequence)] as const),
    );
    return new Map(groups);
  } catch {
    return undefined;
  }
}

async function readGroup(connection: BusConnection, sequence: number): Promise<readonly AcceptedEvent[]> {
  const message = await messageAt(connection, "INGEST", sequence);
  const group = message === undefined ? undefined : decodeEventGroup(message.data);
  return group?.kind === "decoded" ? group.value : [];
}

function placeKey({ epochMs, sequence }: PayloadPlace): string {
  return `${epochMs}:${sequence}`;
}
