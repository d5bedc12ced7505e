/**
 * Reads an event's payload from its place in INGEST, for work that does not carry it. Organisation and event id inside
 * the message are verified at every read: a place is a pointer, never a proof.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import type { AcceptedEvent, PayloadPlace, WorkItem } from "@posthorn/domain";
import { type BusConnection, messageAt, streamPosition } from "@posthorn/message-bus";
import { MissedPlaces } from "../core/missed-places.ts";
import type { Soon } from "../soon.ts";
import { type EventGroup, RecentGroups } from "./recent-groups.ts";

export type Payload =
  | { readonly kind: "found"; readonly event: AcceptedEvent }
  /** For good. */
  | { readonly kind: "gone" }
  /** NATS cannot say, or not for sure. */
  | { readonly kind: "unavailable" };

export type PayloadReader = { read(item: WorkItem): Soon<Payload> };

/** How long the stream's epoch is taken for granted. A recreated stream reuses sequences. */
const EPOCH_TRUSTED_MS = 5_000;
/** Some 20 MB decoded: what a wave of retries comes from, over all partitions. */
const GROUPS_KEPT = { groupsMax: 256, bytesMax: 16 * 2 ** 20 };

/** `missing`: nothing stands at its place; `other`: something else does, or it was another stream's. */
type Look = { readonly kind: "found"; readonly event: AcceptedEvent } | { readonly kind: "missing" | "other" };

export function openPayloadReader(connection: BusConnection, onTrouble: (reason: string) => void): PayloadReader {
  const groups = new RecentGroups((sequence) => readGroup(connection, sequence), GROUPS_KEPT);
  const missed = new MissedPlaces();
  let epoch: { readonly ms: number; readonly trustedUntilMs: number } | undefined;

  /** Nothing is called gone on the word of an epoch that was read earlier. */
  async function isOfThisStream(epochMs: number): Promise<boolean> {
    if (epoch?.ms === epochMs && performance.now() < epoch.trustedUntilMs) return true;
    const position = await streamPosition(connection, "INGEST");
    epoch = { ms: position.epochMs, trustedUntilMs: performance.now() + EPOCH_TRUSTED_MS };
    return position.epochMs === epochMs;
  }

  async function look({ place, orgId, eventId }: WorkItem): Promise<Look> {
    if (!(await isOfThisStream(place.epochMs))) return { kind: "other" };
    const eventIn = ({ events }: EventGroup): Look => {
      const event = events[place.index];
      return event?.orgId === orgId && event.id === eventId ? { kind: "found", event } : { kind: "other" };
    };
    const kept = await groups.get(place.epochMs, place.sequence);
    if (kept === undefined) return { kind: "missing" };
    const found = eventIn(kept);
    if (found.kind === "found") return found;
    // A stream that lost its end holds another group there than the one that was kept.
    groups.forget(place.epochMs, place.sequence);
    const read = await groups.get(place.epochMs, place.sequence);
    return read === undefined ? { kind: "missing" } : eventIn(read);
  }

  async function isGone(place: PayloadPlace): Promise<boolean> {
    const { firstSequence } = await streamPosition(connection, "INGEST");
    return place.sequence < firstSequence || missed.miss(place, performance.now());
  }

  async function find(item: WorkItem): Promise<Payload> {
    const looked = await look(item);
    if (looked.kind === "missing") return { kind: (await isGone(item.place)) ? "gone" : "unavailable" };
    missed.found(item.place);
    return looked.kind === "found" ? looked : { kind: "gone" };
  }

  async function tryToFind(item: WorkItem): Promise<Payload> {
    try {
      return await find(item);
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
      return { kind: "unavailable" };
    }
  }

  return { read: (item) => (item.event === undefined ? tryToFind(item) : { kind: "found", event: item.event }) };
}

/** What cannot be decoded is as good as gone. */
async function readGroup(connection: BusConnection, sequence: number): Promise<EventGroup | undefined> {
  const message = await messageAt(connection, "INGEST", sequence);
  if (message === undefined) return undefined;
  const group = decodeEventGroup(message.data);
  return group.kind === "decoded" ? { events: group.value, bytes: message.data.length } : undefined;
}
