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

/** How far the clocks of NATS and of this process may be apart. */
const CLOCK_SKEW_MS_MAX = 60_000;

/** The sightings with those of now. What has moved on is forgotten, what the matcher still has in hand is not seen. */
export function sightingsNow(
  before: Sightings,
  open: readonly OpenDelivery[],
  queue: QueueFacts,
  nowMs: number,
): Sightings {
  const seen = open.filter(({ place }) => !isWithTheMatcher(place, queue));
  return new Map(seen.map(({ workId }) => [workId, before.get(workId) ?? nowMs]));
}

export function hasLostItsWork(workId: string, sightings: Sightings, { oldestQueuedAtMs }: QueueFacts): boolean {
  const seenSinceMs = sightings.get(workId);
  if (seenSinceMs === undefined) return false;
  return oldestQueuedAtMs === undefined || oldestQueuedAtMs > seenSinceMs + CLOCK_SKEW_MS_MAX;
}

/** An event of another epoch of INGEST is none that the matcher will still read. */
function isWithTheMatcher(place: PayloadPlace, { matchedUpTo }: QueueFacts): boolean {
  return place.epochMs === matchedUpTo.epochMs && place.sequence > matchedUpTo.sequence;
}
