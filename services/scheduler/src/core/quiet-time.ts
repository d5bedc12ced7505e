/**
 * How long a delivery has to have stood still before the reconciler looks at it. Work gets lost when NATS does: after a
 * broken connection it looks at once, since what is queued is told from what is lost by sequences, however soon that is.
 */

/** What was made or moved in this time has not stood still, whatever happened. */
export const QUIET_MS_MIN = 10_000;

/**
 * @param usualMs while nothing has happened, and for so long after a reconnect nothing is usual.
 * @param reconnectedAtMs undefined: the connection was never lost.
 */
export function quietForMs(usualMs: number, reconnectedAtMs: number | undefined, nowMs: number): number {
  const isUnusual = reconnectedAtMs !== undefined && nowMs - reconnectedAtMs < usualMs + QUIET_MS_MIN;
  return isUnusual ? Math.min(usualMs, QUIET_MS_MIN) : usualMs;
}
