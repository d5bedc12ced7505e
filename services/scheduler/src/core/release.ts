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

/**
 * @param startedAtMs when this scheduler began: what was due before then may have been released by another.
 * @param configRevision what the scheduler had seen of the configuration when it decided to release.
 */
export function releasedItem(waiting: WaitingDelivery, startedAtMs: number, configRevision: number): WorkItem {
  const { dueAtMs, wasClaimed, ...item } = waiting;
  return { ...item, configRevision, possibleRepeat: wasClaimed || dueAtMs < startedAtMs, event: undefined };
}

/** Does the projection hold everything that the log held at `end`? Another epoch means another log. */
export function hasCaughtUp(checkpoint: LogPosition | undefined, end: LogPosition): boolean {
  if (end.sequence === 0) return true;
  return checkpoint !== undefined && checkpoint.epochMs === end.epochMs && checkpoint.sequence >= end.sequence;
}

export type LogPosition = { readonly epochMs: number; readonly sequence: number };
