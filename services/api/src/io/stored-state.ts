/** Reads back from a delivery's row what a decision about it needs. */

import type { Row } from "@posthorn/database";
import {
  type DeliveryIdentity,
  type DeliveryState,
  parseDeliveryId,
  parseEventId,
  parseWebhookId,
  restoredState,
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
  const kept = {
    status: row.status,
    reason: row.reason ?? undefined,
    nextAtMs: millisecondsOf(row.next_attempt_at),
    completedAtMs: millisecondsOf(row.completed_at),
    isOnly: row.is_only,
  };
  return stored(restoredState(kept, progress), "deliveries.status");
}
