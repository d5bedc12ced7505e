/** What is released and how: pure decisions about rows that wait. */

import type { Circuit, ReleaseTerms, WorkItem } from "@posthorn/domain";

/** What a row says of its work item: everything but what is decided when it is released. */
export type WorkFacts = Omit<
  WorkItem,
  "attempt" | "release" | "configRevision" | "possibleRepeat" | "event" | "terms" | "followers"
>;

/** A webhook's circuit, as far as it is projected. */
export type CircuitSeen = Pick<Circuit, "kind" | "generation">;

/** A delivery that waits, as the projection has it. */
export type WaitingDelivery = WorkFacts & {
  readonly attempt: number;
  readonly release: number;
  readonly kind: "retry" | "parked";
  readonly dueAtMs: number;
  /** It was claimed before: somebody may have released it and died before saying so. */
  readonly wasClaimed: boolean;
  readonly circuit: CircuitSeen;
};

/** What is decided when a delivery is released. */
export type ReleaseDecision = {
  /** What the scheduler had seen of the configuration. */
  readonly configRevision: number;
  readonly possibleRepeat: boolean;
  readonly terms: ReleaseTerms;
};

export function releasedItem(waiting: WaitingDelivery, decision: ReleaseDecision): WorkItem {
  const { dueAtMs, wasClaimed, kind, circuit, ...item } = waiting;
  return { ...item, ...decision, event: undefined, followers: [] };
}

/** A retry that is not released at its own time may have been released before: rows come back with a rebuild. */
const PROMPT_MS_MAX = 5_000;

/** @param startedAtMs when this scheduler began: what was due before then may have been released by another. */
export function mayBeRepeatedRetry(waiting: WaitingDelivery, nowMs: number, startedAtMs: number): boolean {
  const { wasClaimed, dueAtMs } = waiting;
  return wasClaimed || dueAtMs < startedAtMs || Math.abs(nowMs - dueAtMs) > PROMPT_MS_MAX;
}

/**
 * A claim is written before anything is published, and what a rebuild brings back has one: without a claim, what is
 * parked was never released. Every mark costs a look by the fence, which a slot has no time for and a run pays for
 * delivery by delivery.
 */
export function mayBeRepeatedParked({ wasClaimed }: WaitingDelivery): boolean {
  return wasClaimed;
}

export function termsOf(
  circuit: CircuitSeen,
  more: { readonly isProbe?: boolean; readonly slot?: ReleaseTerms["slot"] } = {},
): ReleaseTerms {
  const { kind, generation } = circuit;
  return {
    isProbe: more.isProbe === true,
    circuitsClosed: kind === "closed" ? generation : generation - 1,
    slot: more.slot,
  };
}

/**
 * Does the projection hold everything that the log held at `end`? It does not follow another, older log; one that it
 * has left for a newer log will never be read further.
 */
export function hasCaughtUp(checkpoint: LogPosition | undefined, end: LogPosition): boolean {
  if (end.sequence === 0) return true;
  if (checkpoint === undefined || checkpoint.epochMs < end.epochMs) return false;
  return checkpoint.epochMs > end.epochMs || checkpoint.sequence >= end.sequence;
}

export type LogPosition = { readonly epochMs: number; readonly sequence: number };
