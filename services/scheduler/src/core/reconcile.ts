/**
 * Which open deliveries have lost their work item? Only those that have no progress, no row that waits for its time,
 * and cannot still be queued. An item is stored before its row goes, or before the matcher has worked off its event: so
 * it was stored before its delivery was first seen without either, and is gone when everything queued came in later.
 * Sequences say what is later, never clocks.
 */

import type { PayloadPlace } from "@posthorn/domain";

/** Where a work queue ended. */
export type QueueEnd = {
  /** The stream's creation time. */
  readonly epochMs: number;
  readonly lastSequence: number;
};

/** One of the streams in which the item may be. */
export type Queue = QueueEnd & {
  /** Of the partition's messages that are not worked off; undefined: there is none. */
  readonly oldestSequence: number | undefined;
};

export type QueueFacts = {
  /** The matcher had worked off INGEST up to here in this partition before the queues were looked at. */
  readonly matchedUpTo: { readonly epochMs: number; readonly sequence: number };
  /** Where INGEST ended. What stood behind that is lost: no matcher will come to it. */
  readonly ingestEnd: number;
  readonly deliver: Queue;
  readonly retry: Queue;
};

/** A delivery that is open and has no row. Its work id names the attempt and the release that it waits for. */
export type OpenDelivery = { readonly workId: string; readonly place: PayloadPlace };

/** Where the queues ended when it was first seen so: its item came in before. */
export type Sighting = { readonly deliver: QueueEnd; readonly retry: QueueEnd };

/** By work id. */
export type Sightings = ReadonlyMap<string, Sighting>;

/**
 * A pass over all open deliveries of a partition takes several looks. What was seen in the pass before and not again in
 * this one has moved on, and is forgotten when the pass ends.
 */
export type Pass = { readonly before: Sightings; readonly now: Sightings };

export const FIRST_PASS: Pass = { before: new Map(), now: new Map() };

/** The pass with the sightings of one look. What the matcher still has in hand is not seen. */
export function withLook(pass: Pass, open: readonly OpenDelivery[], queues: QueueFacts): Pass {
  const here: Sighting = { deliver: endOf(queues.deliver), retry: endOf(queues.retry) };
  const seen = open
    .filter(({ place }) => !isWithTheMatcher(place, queues))
    .map(({ workId }) => [workId, sighted(pass.now.get(workId) ?? pass.before.get(workId), here)] as const);
  return { before: pass.before, now: new Map([...pass.now, ...seen]) };
}

/** Whose items were made again: they are seen anew, or each look would make them once more. */
export function withoutSightings({ before, now }: Pass, workIds: readonly string[]): Pass {
  const gone = new Set(workIds);
  const without = (sightings: Sightings) => new Map([...sightings].filter(([workId]) => !gone.has(workId)));
  return gone.size === 0 ? { before, now } : { before: without(before), now: without(now) };
}

export function nextPass({ now }: Pass): Pass {
  return { before: now, now: new Map() };
}

export function hasLostItsWork(workId: string, { now }: Pass, { deliver, retry }: QueueFacts): boolean {
  const seen = now.get(workId);
  return seen !== undefined && isGoneFrom(deliver, seen.deliver) && isGoneFrom(retry, seen.retry);
}

/** A stream that was made anew since then does not hold it. */
function isGoneFrom(queue: Queue, seen: QueueEnd): boolean {
  if (queue.oldestSequence === undefined || queue.epochMs !== seen.epochMs) return true;
  return queue.oldestSequence > seen.lastSequence;
}

function sighted(first: Sighting | undefined, here: Sighting): Sighting {
  if (first === undefined) return here;
  if (!hasLostItsEnd(first.deliver, here.deliver) && !hasLostItsEnd(first.retry, here.retry)) return first;
  return { deliver: nearer(first.deliver, here.deliver), retry: nearer(first.retry, here.retry) };
}

/** An older copy of the stream was put back, and what comes in now gets sequences that were used before. */
function hasLostItsEnd(first: QueueEnd, here: QueueEnd): boolean {
  return first.epochMs === here.epochMs && here.lastSequence < first.lastSequence;
}

function nearer(first: QueueEnd, here: QueueEnd): QueueEnd {
  return hasLostItsEnd(first, here) ? here : first;
}

function endOf({ epochMs, lastSequence }: Queue): QueueEnd {
  return { epochMs, lastSequence };
}

/** An event of another epoch of INGEST, or of an end that it has lost, is none that the matcher will still read. */
function isWithTheMatcher(place: PayloadPlace, { matchedUpTo, ingestEnd }: QueueFacts): boolean {
  return place.epochMs === matchedUpTo.epochMs && place.sequence > matchedUpTo.sequence && place.sequence <= ingestEnd;
}
