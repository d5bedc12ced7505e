/**
 * The next run of an ordered webhook: consecutive deliveries, in the order of acceptance, that one dispatcher sends one
 * after the other. Whatever has to wait blocks everything behind it.
 */

import type { PayloadPlace } from "@posthorn/domain";
import type { WaitingDelivery } from "./release.ts";

/** A row of an ordered webhook, with how it stands. */
export type RunRow = {
  readonly waiting: WaitingDelivery;
  /** Somebody holds it. */
  readonly isClaimed: boolean;
  /** It has a time of its own: a retry. */
  readonly waitsUntilMs: number | undefined;
};

/** Everything accepted up to here is either a row or has ended: the matcher and the projection are past it. */
export type Frontier = { readonly epochMs: number; readonly sequence: number };

export const RUN_LENGTH_MAX = 100;
/** After failures, runs become shorter: what is cut off is parked again, with an event each. */
const RUN_LENGTH_MIN = 5;

/** What keeps the delivery waiting that a run cannot go beyond. */
export type RunBlock =
  | { readonly kind: "claim" }
  | { readonly kind: "time"; readonly untilMs: number }
  | { readonly kind: "frontier" };

export type RunPlan = { readonly run: readonly WaitingDelivery[]; readonly blockedBy: RunBlock | undefined };

export function planRun(rows: readonly RunRow[], frontier: Frontier, nowMs: number, lengthMax: number): RunPlan {
  const run: WaitingDelivery[] = [];
  for (const row of rows.toSorted((a, b) => comparePlaces(a.waiting.place, b.waiting.place))) {
    if (run.length >= lengthMax) break;
    const blockedBy = blockOf(row, frontier, nowMs);
    if (blockedBy !== undefined) return { run, blockedBy };
    run.push(row.waiting);
  }
  return { run, blockedBy: undefined };
}

export function runLengthAfter(length: number, wasCut: boolean): number {
  return wasCut ? Math.max(RUN_LENGTH_MIN, Math.floor(length / 2)) : Math.min(RUN_LENGTH_MAX, length * 2);
}

function blockOf(
  { waiting, isClaimed, waitsUntilMs }: RunRow,
  frontier: Frontier,
  nowMs: number,
): RunBlock | undefined {
  if (isClaimed) return { kind: "claim" };
  if (waitsUntilMs !== undefined && waitsUntilMs > nowMs) return { kind: "time", untilMs: waitsUntilMs };
  return isBehind(waiting.place, frontier) ? undefined : { kind: "frontier" };
}

function isBehind({ epochMs, sequence }: PayloadPlace, frontier: Frontier): boolean {
  return epochMs === frontier.epochMs ? sequence <= frontier.sequence : epochMs < frontier.epochMs;
}

function comparePlaces(a: PayloadPlace, b: PayloadPlace): number {
  return a.epochMs - b.epochMs || a.sequence - b.sequence || a.index - b.index;
}
