/**
 * Which open deliveries have lost their work item? Only those that have no progress, no row that waits for its time,
 * and cannot still be queued. An item is stored before its row goes, or before the matcher has worked off its event:
 * so it was stored before its delivery was first seen without either, and is gone when everything queued is younger.
 */

import type { PayloadPlace } from "@posthorn/domain";

export type QueueFacts = {
  /** The matcher had worked off INGEST up to here in this partition before the queue was looked at. */
  readonly matchedUpTo: { readonly epochMs: number; readonly sequence: number };
  /** When the oldest message still queued in this partition was stored, over DELIVER and RETRY; undefined: none is. */
  readonly oldestQueuedAtMs: number | undefined;
};

/** A delivery that is open and has no row. Its work id names the attempt and the release that it waits for. */
export type OpenDelivery = { readonly workId: string; readonly place: PayloadPlace };

/** When each of them was first seen so, by work id. */
export type Sightings = ReadonlyMap<string, number>;

/**
 * A pass over all open deliveries of a partition takes several looks. What was seen in the pass before and not again in
 * this one has moved on, and is forgotten when the pass ends.
 */
export type Pass = { readonly before: Sightings; readonly now: Sightings };

export const FIRST_PASS: Pass = { before: new Map(), now: new Map() };

/** How far the clocks of NATS and of this process may be apart. */
const CLOCK_SKEW_MS_MAX = 60_000;

/** The pass with the sightings of one look. What the matcher still has in hand is not seen. */
export function withLook(pass: Pass, open: readonly OpenDelivery[], queue: QueueFacts, nowMs: number): Pass {
  const seen = open
    .filter(({ place }) => !isWithTheMatcher(place, queue))
    .map(({ workId }) => [workId, pass.now.get(workId) ?? pass.before.get(workId) ?? nowMs] as const);
  return { before: pass.before, now: new Map([...pass.now, ...seen]) };
}

export function nextPass({ now }: Pass): Pass {
  return { before: now, now: new Map() };
}

export function hasLostItsWork(workId: string, { now }: Pass, { oldestQueuedAtMs }: QueueFacts): boolean {
  const seenSinceMs = now.get(workId);
  if (seenSinceMs === undefined) return false;
  return oldestQueuedAtMs === undefined || oldestQueuedAtMs > seenSinceMs + CLOCK_SKEW_MS_MAX;
}

/** An event of another epoch of INGEST is none that the matcher will still read. */
function isWithTheMatcher(place: PayloadPlace, { matchedUpTo }: QueueFacts): boolean {
  return place.epochMs === matchedUpTo.epochMs && place.sequence > matchedUpTo.sequence;
}
