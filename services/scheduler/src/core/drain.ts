/**
 * A webhook's drain: its pace, and what was released at it. A delivery that is parked again shortly after its release
 * says that the pace was too much; it says so once, however much of the same wave comes back.
 */

import { type DrainPace, nextPace, spend } from "./drain-pace.ts";

export type Drain = {
  readonly pace: DrainPace;
  /** Deliveries released since the pace last went down. */
  readonly lately: ReadonlySet<string>;
};

/** Remembered of a drain: those that come back, do so soon. */
const LATELY_MAX = 1_000;

/** @param congestedCount of the webhook's health. */
export function drained(before: Drain, released: readonly string[], congestedCount: number, nowMs: number): Drain {
  const cameBack = released.filter((deliveryId) => before.lately.has(deliveryId)).length;
  const pace = nextPace(spend(before.pace, released.length), { nowMs, congestedCount, cameBack });
  const wentDown = pace.lastChange === "down" && pace.changedAtMs > before.pace.changedAtMs;
  const earlier = wentDown ? [] : before.lately;
  return { pace, lately: new Set([...earlier, ...released].slice(-LATELY_MAX)) };
}
