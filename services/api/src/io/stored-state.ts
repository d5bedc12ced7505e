/** Reads back from a delivery's row what a decision about it needs. */

import { cancelReason, deferReason, exhaustReason, skipReason } from "@posthorn/contracts";
import type { Row } from "@posthorn/database";
import {
  DELIVERY_STATUSES,
  type DeliveryIdentity,
  type DeliveryState,
  parseDeliveryId,
  parseEventId,
  parseWebhookId,
} from "@posthorn/domain";
import { millisecondsOf, stored, storedOrgId } from "./stored.ts";

export function storedIdentity(
  row: Pick<Row<"deliveries">, "id" | "org_id" | "event_id" | "webhook_id">,
): DeliveryIdentity {
  return {
    orgId: storedOrgId(row.org_id),
    eventId: stored(parseEventId(row.event_id), "deliveries.event_id"),
    deliveryId: stored(parseDeliveryId(row.id), "deliveries.id"),
    webhookId: stored(parseWebhookId(row.webhook_id), "deliveries.webhook_id"),
  };
}

type StateColumns = Pick<
  Row<"deliveries">,
  | "status"
  | "reason"
  | "attempt_count"
  | "release"
  | "repeated_attempts"
  | "next_attempt_at"
  | "completed_at"
  | "is_only"
>;

/** Without the last attempt: no command of a person looks at it. */
export function storedState(row: StateColumns): DeliveryState {
  const progress = {
    attemptCount: row.attempt_count,
    release: row.release,
    lastAttempt: undefined,
    repeatedAttempts: row.repeated_attempts,
  };
  const reason = row.reason ?? "";
  const nextAtMs = () => stored(millisecondsOf(row.next_attempt_at), "deliveries.next_attempt_at");
  const completedAtMs = () => stored(millisecondsOf(row.completed_at), "deliveries.completed_at");
  const kind = stored(
    DELIVERY_STATUSES.find((status) => status === row.status),
    "deliveries.status",
  );
  switch (kind) {
    case "pending":
      return { kind, progress };
    case "scheduled":
      return { kind, progress, nextAtMs: nextAtMs(), isOnly: row.is_only };
    case "parked":
      return {
        kind,
        progress,
        reason: ofReason(deferReason(reason)),
        notBeforeMs: nextAtMs(),
        isOnly: row.is_only,
        // Known to the row that waits, and to nobody who decides about the delivery from here.
        mayHaveBeenSent: false,
      };
    case "delivered":
      return { kind, progress, completedAtMs: completedAtMs() };
    case "exhausted":
      return { kind, progress, completedAtMs: completedAtMs(), reason: ofReason(exhaustReason(reason)) };
    case "cancelled":
      return { kind, progress, completedAtMs: completedAtMs(), reason: ofReason(cancelReason(reason)) };
    case "skipped":
      return { kind, progress, completedAtMs: completedAtMs(), reason: ofReason(skipReason(reason)) };
    default:
      return kind satisfies never;
  }
}

const ofReason = <Reason>(reason: Reason | undefined) => stored(reason, "deliveries.reason");
