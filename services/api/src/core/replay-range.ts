/** Which deliveries a replay makes again. */

import type { DeliveryStatus } from "@posthorn/domain";

/** Statuses in which a delivery has ended: what is still under way is not sent twice. */
export const REPLAYABLE_STATUSES = [
  "delivered",
  "exhausted",
  "cancelled",
  "skipped",
] as const satisfies readonly DeliveryStatus[];

export type ReplayWish = {
  readonly since: number;
  readonly until?: number | undefined;
  readonly status?: (typeof REPLAYABLE_STATUSES)[number] | readonly (typeof REPLAYABLE_STATUSES)[number][] | undefined;
  readonly types?: readonly string[] | undefined;
};

export type ReplayRange = {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly statuses: readonly (typeof REPLAYABLE_STATUSES)[number][];
  readonly types: readonly string[];
};

/**
 * Undefined when the range is empty. It ends now at the latest: a replay that ran into the future would come to what it
 * had made itself.
 */
export function replayRangeOf({ since, until, status, types }: ReplayWish, nowMs: number): ReplayRange | undefined {
  const untilMs = Math.min(until ?? nowMs, nowMs);
  if (since >= untilMs) return undefined;
  const wanted = status === undefined ? REPLAYABLE_STATUSES : typeof status === "string" ? [status] : status;
  return { sinceMs: since, untilMs, statuses: [...new Set(wanted)], types: [...new Set(types ?? [])] };
}
