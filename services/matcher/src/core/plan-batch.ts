/**
 * Cuts what follows from a batch of events into steps: one message of the log each, and the work items that may be
 * published once that message is stored. Lazy and bounded, so that a fan-out of any size passes through little memory.
 * Within a message of INGEST the cuts do not depend on what was taken with it: when it comes again, its work is put
 * together in the same way, and the stream knows it again.
 */

import type { LogEvent, WorkItem } from "@posthorn/domain";
import { type Match, type MatchTerms, matchEvent } from "./match-event.ts";

/** A step without lines is a pause: filters have been evaluated for a while, and others want the processor, too. */
export type Step = { readonly log: readonly LogEvent[]; readonly items: readonly WorkItem[] };

/** Half of a bound is for what one message of INGEST adds, the other half for what was there before it. */
export type StepBounds = {
  readonly entriesMax: number;
  /** One message of the log. */
  readonly logBytesMax: number;
  /** Payloads that the items of a step carry along. */
  readonly itemBytesMax: number;
  /** Filters evaluated between two pauses. */
  readonly evaluationsMax: number;
};

const PAUSE: Step = { log: [], items: [] };

/** How much has come together since some point. */
type Tally = { readonly entries: number; readonly logBytes: number; readonly itemBytes: number };

const NOTHING: Tally = { entries: 0, logBytes: 0, itemBytes: 0 };

/** @param logBytesOf an upper bound of what the event adds to its message. */
export function* planBatch(
  matches: Iterable<Match>,
  terms: MatchTerms,
  bounds: StepBounds,
  logBytesOf: (event: LogEvent) => number,
): Generator<Step, void> {
  let step = newStep();
  let ofStep = NOTHING;
  let ofMessage = NOTHING;
  let message: number | undefined;
  let evaluations = 0;
  for (const match of matches) {
    const isNewMessage = match.place.sequence !== message;
    message = match.place.sequence;
    if (isNewMessage) ofMessage = NOTHING;
    if (isNewMessage && exceeds(ofStep, bounds, 0.5)) {
      yield step;
      step = newStep();
      ofStep = NOTHING;
    }
    for (const entry of matchEvent(match, terms)) {
      if (entry.kind === "evaluated") {
        evaluations += 1;
        if (evaluations % bounds.evaluationsMax === 0) yield PAUSE;
        continue;
      }
      const size = { entries: 1, logBytes: logBytesOf(entry.log), itemBytes: entry.item?.event?.data.length ?? 0 };
      const isFull =
        (ofMessage.entries > 0 && exceeds(plus(ofMessage, size), bounds, 0.5)) ||
        (ofStep.entries > 0 && exceeds(plus(ofStep, size), bounds, 1));
      if (isFull) {
        yield step;
        step = newStep();
        ofStep = NOTHING;
        ofMessage = NOTHING;
      }
      step.log.push(entry.log);
      if (entry.item !== undefined) step.items.push(entry.item);
      ofStep = plus(ofStep, size);
      ofMessage = plus(ofMessage, size);
    }
  }
  if (step.log.length > 0) yield step;
}

function newStep(): { readonly log: LogEvent[]; readonly items: WorkItem[] } {
  return { log: [], items: [] };
}

function plus(a: Tally, b: Tally): Tally {
  return {
    entries: a.entries + b.entries,
    logBytes: a.logBytes + b.logBytes,
    itemBytes: a.itemBytes + b.itemBytes,
  };
}

function exceeds(tally: Tally, bounds: StepBounds, share: number): boolean {
  return (
    tally.entries > share * bounds.entriesMax ||
    tally.logBytes > share * bounds.logBytesMax ||
    tally.itemBytes > share * bounds.itemBytesMax
  );
}
