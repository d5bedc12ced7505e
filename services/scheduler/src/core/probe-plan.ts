/**
 * When an open circuit is probed: one delivery at a time, 5 s after it opened, then after as long as it has been open,
 * at most 5 minutes. That doubles the waits, and a scheduler that has just started knows them too.
 */

import type { Circuit } from "@posthorn/domain";
import type { WaitingDelivery } from "./release.ts";

export type ProbeSent = Pick<WaitingDelivery, "deliveryId" | "attempt" | "release"> & { readonly sentAtMs: number };

export type ProbePlan = {
  /** Of the circuit that is probed. */
  readonly generation: number;
  readonly nextAtMs: number;
  /** Undefined: none is under way. */
  readonly sent: ProbeSent | undefined;
};

const WAIT_MS_MIN = 5_000;
const WAIT_MS_MAX = 300_000;
/** ±20 %: the circuits of one host that opened together are not probed together. */
const JITTER_SHARE = 0.2;
/** Longer than any attempt takes with its way through the stream: without an outcome by then, it was lost. */
const LOST_MS = 120_000;

/** @param roll in [0, 1). */
export function startProbing(circuit: Circuit, nowMs: number, roll: number): ProbePlan {
  // By the clock of whoever opened it, which may be ahead of this one.
  const openedAtMs = Math.min(circuit.changedAtMs ?? nowMs, nowMs);
  const firstAtMs = openedAtMs + jittered(WAIT_MS_MIN, roll);
  // One that has been open for long was probed by others: it is not probed at once because this process started.
  const nextAtMs = firstAtMs > nowMs ? firstAtMs : nowMs + WAIT_MS_MIN * roll;
  return { generation: circuit.generation, nextAtMs, sent: undefined };
}

export function isProbeDue(plan: ProbePlan, nowMs: number): boolean {
  const isLost = plan.sent !== undefined && Math.abs(nowMs - plan.sent.sentAtMs) >= LOST_MS;
  return isTimeForProbe(plan, nowMs) && (plan.sent === undefined || isLost);
}

/** No wait is longer than the longest: if one seems to be, the clock was set back. */
export function isTimeForProbe({ nextAtMs }: ProbePlan, nowMs: number): boolean {
  return nowMs >= nextAtMs || nextAtMs - nowMs > WAIT_MS_MAX * (1 + JITTER_SHARE);
}

export function probeSent(plan: ProbePlan, circuit: Circuit, sent: ProbeSent, roll: number): ProbePlan {
  const openForMs = sent.sentAtMs - (circuit.changedAtMs ?? sent.sentAtMs);
  const waitMs = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, openForMs));
  return { ...plan, sent, nextAtMs: sent.sentAtMs + jittered(waitMs, roll) };
}

function jittered(waitMs: number, roll: number): number {
  return waitMs * (1 - JITTER_SHARE + 2 * JITTER_SHARE * roll);
}
