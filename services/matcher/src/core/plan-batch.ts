/**
 * Cuts what follows from a batch of events into steps: one message of the log each, and the work items that may be
 * published once that message is stored. Lazy and bounded, so that a fan-out of any size passes through little memory.
 */

import type { LogEvent, WorkItem } from "@posthorn/domain";
import { type Match, type MatchTerms, matchEvent } from "./match-event.ts";

/** A step without lines is a pause: filters have been evaluated for a while, and others want the processor, too. */
export type Step = { readonly log: readonly LogEvent[]; readonly items: readonly WorkItem[] };

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

/** @param logBytesOf an upper bound of what the event adds to its message. */
export function* planBatch(
  matches: Iterable<Match>,
  terms: MatchTerms,
  bounds: StepBounds,
  logBytesOf: (event: LogEvent) => number,
): Generator<Step, void> {
  let log: LogEvent[] = [];
  let items: WorkItem[] = [];
  let logBytes = 0;
  let itemBytes = 0;
  let evaluations = 0;
  for (const match of matches) {
    for (const entry of matchEvent(match, terms)) {
      if (entry.kind === "evaluated") {
        evaluations += 1;
        if (evaluations % bounds.evaluationsMax === 0) yield PAUSE;
        continue;
      }
      const entryLogBytes = logBytesOf(entry.log);
      const entryItemBytes = entry.item?.event?.data.length ?? 0;
      const isFull =
        log.length >= bounds.entriesMax ||
        logBytes + entryLogBytes > bounds.logBytesMax ||
        itemBytes + entryItemBytes > bounds.itemBytesMax;
      if (isFull && log.length > 0) {
        yield { log, items };
        log = [];
        items = [];
        logBytes = 0;
        itemBytes = 0;
      }
      log.push(entry.log);
      if (entry.item !== undefined) items.push(entry.item);
      logBytes += entryLogBytes;
      itemBytes += entryItemBytes;
    }
  }
  if (log.length > 0) yield { log, items };
}
