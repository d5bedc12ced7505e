/**
 * Which open deliveries have lost their work item? Only those that have no progress, no row that waits for its time,
 * and cannot still be queued. A mistake costs a look by the fence, not a repeat.
 */

import type { PayloadPlace } from "@posthorn/domain";

export type QueueFacts = {
  /** The matcher has worked off INGEST up to here in this partition. */
  readonly matchedUpTo: { readonly epochMs: number; readonly sequence: number };
  /** When the oldest message still queued in this partition was stored, over DELIVER and RETRY; undefined: none is. */
  readonly oldestQueuedAtMs: number | undefined;
};

export type OpenDelivery = { readonly place: PayloadPlace; readonly lastEventAtMs: number };

/** Between the log entry and the work item that follows it; a matcher publishes both within milliseconds. */
const PUBLISH_LAG_MS_MAX = 60_000;

export function hasLostItsWork(delivery: OpenDelivery, queue: QueueFacts): boolean {
  const { place, lastEventAtMs } = delivery;
  const isMatched = place.epochMs === queue.matchedUpTo.epochMs && place.sequence <= queue.matchedUpTo.sequence;
  if (place.epochMs === queue.matchedUpTo.epochMs && !isMatched) return false;
  return queue.oldestQueuedAtMs === undefined || queue.oldestQueuedAtMs > lastEventAtMs + PUBLISH_LAG_MS_MAX;
}
