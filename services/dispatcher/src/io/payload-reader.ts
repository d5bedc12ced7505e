/**
 * Reads an event's payload from its place in INGEST, for work that does not carry it. Organisation and event id inside
 * the message are verified at every read: a place is a pointer, never a proof.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import type { AcceptedEvent, WorkItem } from "@posthorn/domain";
import { type BusConnection, messageAt, streamPosition } from "@posthorn/message-bus";
import { type EventGroup, RecentGroups } from "./recent-groups.ts";

export type Payload =
  | { readonly kind: "found"; readonly event: AcceptedEvent }
  /** For good. */
  | { readonly kind: "gone" }
  /** NATS cannot say. */
  | { readonly kind: "unavailable" };

export type PayloadReader = { read(item: WorkItem): Promise<Payload> };

/** How long the stream's epoch is taken for granted. A recreated stream reuses sequences. */
const EPOCH_TRUSTED_MS = 5_000;
/** Some 20 MB decoded: what a wave of retries comes from, over all partitions. */
const GROUPS_KEPT = { groupsMax: 256, bytesMax: 16 * 2 ** 20 };

export function openPayloadReader(connection: BusConnection, onTrouble: (reason: string) => void): PayloadReader {
  const groups = new RecentGroups((sequence) => readGroup(connection, sequence), GROUPS_KEPT);
  let epoch: { readonly ms: number; readonly trustedUntilMs: number } | undefined;

  /** Nothing is called gone on the word of an epoch that was read earlier. */
  async function isOfThisStream(epochMs: number): Promise<boolean> {
    if (epoch?.ms === epochMs && performance.now() < epoch.trustedUntilMs) return true;
    const position = await streamPosition(connection, "INGEST");
    epoch = { ms: position.epochMs, trustedUntilMs: performance.now() + EPOCH_TRUSTED_MS };
    return position.epochMs === epochMs;
  }

  async function find({ place, orgId, eventId }: WorkItem): Promise<AcceptedEvent | undefined> {
    if (!(await isOfThisStream(place.epochMs))) return undefined;
    const eventIn = ({ events }: EventGroup) => {
      const event = events[place.index];
      return event?.orgId === orgId && event.id === eventId ? event : undefined;
    };
    const kept = await groups.get(place.epochMs, place.sequence);
    const event = kept && eventIn(kept);
    if (kept === undefined || event !== undefined) return event;
    // A stream that lost its end holds another group there than the one that was kept.
    groups.forget(place.epochMs, place.sequence);
    const read = await groups.get(place.epochMs, place.sequence);
    return read && eventIn(read);
  }

  return {
    read: async (item) => {
      if (item.event !== undefined) return { kind: "found", event: item.event };
      try {
        const event = await find(item);
        return event === undefined ? { kind: "gone" } : { kind: "found", event };
      } catch (error) {
        onTrouble(error instanceof Error ? error.message : String(error));
        return { kind: "unavailable" };
      }
    },
  };
}

/** What cannot be decoded is as good as gone. */
async function readGroup(connection: BusConnection, sequence: number): Promise<EventGroup | undefined> {
  const message = await messageAt(connection, "INGEST", sequence);
  if (message === undefined) return undefined;
  const group = decodeEventGroup(message.data);
  return group.kind === "decoded" ? { events: group.value, bytes: message.data.length } : undefined;
}
