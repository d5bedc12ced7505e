/**
 * How long a partition waits from the start of one transaction to the start of the next. A delivery whose creation and
 * outcome share a batch is written once and complete, which costs Postgres half of writing it twice: under load it is
 * worth waiting for a few times as long as deliveries take, as long as nobody waits for the history.
 */

import type { DeliveryRecord } from "./delivery-record.ts";

export const PACE_MS_MIN = 200;
/** What the newest history is behind at most, under load. */
export const PACE_MS_MAX = 600;
/** Of three deliveries at most one then has its creation in an earlier batch. */
const OUTCOME_TIMES = 3;
/** Deliveries of a batch: fewer cost little, however they are written. */
const CROWD = 250;

/** @param deliveries as the last batch has left them. */
export function paceMsAfter(deliveries: readonly DeliveryRecord[]): number {
  if (deliveries.length < CROWD) return PACE_MS_MIN;
  const times = deliveries.map(deliveredAfterMs).filter((timeMs) => timeMs !== undefined);
  const usualMs = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
  // What takes longer than the longest batch comes in a later one, whatever is done.
  if (usualMs >= PACE_MS_MAX) return PACE_MS_MIN;
  return Math.min(PACE_MS_MAX, Math.max(PACE_MS_MIN, OUTCOME_TIMES * usualMs));
}

/** From the creation to the outcome of the first attempt. */
function deliveredAfterMs({ state, createdAtMs }: DeliveryRecord): number | undefined {
  const isFirstAttempt = state.kind === "delivered" && state.progress.attemptCount === 1;
  return isFirstAttempt ? state.completedAtMs - createdAtMs : undefined;
}
