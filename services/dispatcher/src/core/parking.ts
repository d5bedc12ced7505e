/** Parking: which events say that work waits, and from when on it may be released. Who releases it is the scheduler. */

import { type DeferReason, type DeliveryEvent, decide, stateOfWork, type WorkItem } from "@posthorn/domain";

/** A secret that cannot be opened needs an operator; looking often would not help. */
const UNSIGNABLE_WAIT_MS = 5 * 60_000;

/**
 * The deferral of one item; past its horizon, its end.
 * @param mayHaveBeenSent by whoever had it in hand before: remembered, so that what comes of it is marked.
 */
export function parkedEvents(
  item: WorkItem,
  reason: DeferReason,
  mayHaveBeenSent: boolean,
  nowMs: number,
): readonly DeliveryEvent[] {
  const { orgId, eventId, deliveryId, webhookId, attempt, release, acceptedAtMs } = item;
  const notBeforeMs = notBefore(reason, nowMs);
  const command = {
    kind: "defer",
    reason,
    notBeforeMs,
    acceptedAtMs,
    mayHaveBeenSent: mayHaveBeenSent || item.mayHaveBeenSent,
  } as const;
  return decide({ orgId, eventId, deliveryId, webhookId }, command, stateOfWork(attempt, release), nowMs);
}

/** Undefined: until something else releases it. */
function notBefore(reason: DeferReason, nowMs: number): number | undefined {
  switch (reason) {
    case "webhook_inactive":
      return undefined;
    case "unsignable":
      return nowMs + UNSIGNABLE_WAIT_MS;
    case "circuit_open":
    case "receiver_slow":
    case "rate_limited":
    case "ordered":
    case "replay":
      return nowMs;
    default:
      return reason satisfies never;
  }
}
