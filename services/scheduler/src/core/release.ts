/** What is released and how: pure decisions about rows that are due. */

import type { DeliveryIdentity, PayloadPlace, ProfileName, WorkItem } from "@posthorn/domain";

/** A delivery that waits for its time, as the projection has it. */
export type WaitingDelivery = DeliveryIdentity & {
  readonly eventType: string;
  readonly acceptedAtMs: number;
  readonly attempt: number;
  readonly release: number;
  readonly profile: ProfileName;
  readonly place: PayloadPlace;
  readonly traceparent: string;
  readonly dueAtMs: number;
  /** It was claimed before: somebody may have released it and died before saying so. */
  readonly wasClaimed: boolean;
};

/** A row that is released at another time than its own may have been released before: rows come back with a rebuild. */
const PROMPT_MS_MAX = 5_000;

/**
 * @param nowMs when it is released.
 * @param startedAtMs when this scheduler began: what was due before then may have been released by another.
 * @param configRevision what the scheduler had seen of the configuration when it decided to release.
 */
export function releasedItem(
  waiting: WaitingDelivery,
  nowMs: number,
  startedAtMs: number,
  configRevision: number,
): WorkItem {
  const { dueAtMs, wasClaimed, ...item } = waiting;
  const isPrompt = Math.abs(nowMs - dueAtMs) <= PROMPT_MS_MAX;
  const possibleRepeat = wasClaimed || dueAtMs < startedAtMs || !isPrompt;
  return { ...item, configRevision, possibleRepeat, event: undefined };
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
