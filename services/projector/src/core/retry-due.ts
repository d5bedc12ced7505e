/**
 * Which deliveries wait for their time. The row is a function of the delivery alone, and it is only touched when that
 * function's value changed: what the scheduler has released stays released, however often the log is read again.
 */

import type { DeferReason, DeliveryId, DeliveryIdentity } from "@posthorn/domain";
import type { Creation, DeliveryRecord } from "./delivery-record.ts";

export type RetryDue = DeliveryIdentity & {
  readonly kind: "retry" | "parked";
  /** Why it is parked. */
  readonly reason: DeferReason | undefined;
  readonly dueAtMs: number;
  /** Nothing follows from this attempt. */
  readonly isOnly: boolean;
  /** See `WorkItem` of the domain. */
  readonly mayHaveBeenSent: boolean;
  readonly attempt: number;
  readonly release: number;
  /** Without it no work item could be made, so nothing waits. */
  readonly creation: Creation;
};

export type RetryDueChange =
  | { readonly kind: "none" }
  | { readonly kind: "delete" }
  | { readonly kind: "set"; readonly row: RetryDue };

export function retryDueOf(record: DeliveryRecord): RetryDue | undefined {
  const { state, creation, orgId, eventId, deliveryId, webhookId } = record;
  if (creation === undefined) return undefined;
  const { attemptCount, release } = state.progress;
  const attempt = attemptCount + 1;
  const waiting = { orgId, eventId, deliveryId, webhookId, creation, attempt, release, mayHaveBeenSent: false };
  switch (state.kind) {
    case "scheduled":
      return { ...waiting, kind: "retry", reason: undefined, dueAtMs: state.nextAtMs, isOnly: state.isOnly };
    case "parked":
      return {
        ...waiting,
        kind: "parked",
        reason: state.reason,
        dueAtMs: state.notBeforeMs,
        isOnly: state.isOnly,
        mayHaveBeenSent: state.mayHaveBeenSent,
      };
    default:
      return undefined;
  }
}

export function retryDueChange(before: DeliveryRecord | undefined, after: DeliveryRecord): RetryDueChange {
  const old = before === undefined ? undefined : retryDueOf(before);
  const row = retryDueOf(after);
  if (row === undefined) return old === undefined ? { kind: "none" } : { kind: "delete" };
  return old !== undefined && isSame(old, row) ? { kind: "none" } : { kind: "set", row };
}

function isSame(a: RetryDue, b: RetryDue): boolean {
  return (
    a.kind === b.kind &&
    a.reason === b.reason &&
    a.dueAtMs === b.dueAtMs &&
    a.isOnly === b.isOnly &&
    a.attempt === b.attempt &&
    a.release === b.release
  );
}

/** What the receiver knows the delivery's message by. */
export function messageIdOf({ deliveryId, creation: { origin } }: RetryDue): DeliveryId {
  return origin.kind === "replay" ? origin.replayOf : deliveryId;
}
