/** When a process that ended is started again. */

/** Stays below the two seconds within which everything that dies is running again. */
export const RESTART_DELAY_MS_MAX = 1_500;
const RESTART_DELAY_MS_FIRST = 100;
/** A process that ran this long starts with a clean slate. */
export const STABLE_AFTER_MS = 10_000;

/** How often it ended shortly after a start, in a row. */
export function countEarlyEnd(earlyEnds: number, ranForMs: number): number {
  return ranForMs >= STABLE_AFTER_MS ? 0 : earlyEnds + 1;
}

/** At once after a long run and after the first early end, then 100, 200, 400 ... up to 1,500 ms. */
export function restartDelayMs(earlyEnds: number): number {
  if (earlyEnds <= 1) return 0;
  return Math.min(RESTART_DELAY_MS_FIRST * 2 ** (earlyEnds - 2), RESTART_DELAY_MS_MAX);
}
