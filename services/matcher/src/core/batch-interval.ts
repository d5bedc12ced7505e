/**
 * The time from the beginning of a batch to that of the next. Each batch pays for a marker and for its own messages of
 * the log, which the broker, the projector and all who follow the configuration pay for, too: it is worth some
 * milliseconds once events come in crowds, and what comes alone need not wait for it.
 */

/** The first batch after a pause does not wait at all. */
export const INTERVAL_MS_MIN = 4;
export const INTERVAL_MS_MAX = 12;
/** Events in one batch: at the shorter interval this is 2,000 a second. */
export const CROWD = 8;

/** @param events of the last batch. */
export function intervalMsAfter(events: number): number {
  return events < CROWD ? INTERVAL_MS_MIN : INTERVAL_MS_MAX;
}
