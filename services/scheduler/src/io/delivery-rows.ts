/** What rows of `retry_due` and `deliveries` share: everything that a work item says of its delivery. */

import {
  parseDeliveryId,
  parseEventId,
  parseOrgId,
  parseProfileName,
  parseWebhookId,
  type WorkItem,
} from "@posthorn/domain";

export type IdentityRow = {
  readonly delivery_id: string;
  readonly org_id: string;
  readonly event_id: string;
  readonly webhook_id: string;
  readonly event_type: string;
  readonly accepted_at: Date;
  readonly profile: string;
  readonly place_epoch_ms: number;
  readonly place_sequence: number;
  readonly place_index: number;
  readonly traceparent: string;
};

type IdentityFacts = Omit<WorkItem, "attempt" | "release" | "configRevision" | "possibleRepeat" | "event">;

export function identityFromRow(row: IdentityRow): IdentityFacts {
  return {
    deliveryId: sound(parseDeliveryId(row.delivery_id), "delivery_id"),
    orgId: ids.org(row.org_id),
    eventId: sound(parseEventId(row.event_id), "event_id"),
    webhookId: ids.webhook(row.webhook_id),
    eventType: row.event_type,
    acceptedAtMs: row.accepted_at.getTime(),
    profile: sound(parseProfileName(row.profile), "profile"),
    place: { epochMs: row.place_epoch_ms, sequence: row.place_sequence, index: row.place_index },
    traceparent: row.traceparent,
  };
}

export const ids = {
  org: (text: string) => sound(parseOrgId(text), "org_id"),
  webhook: (text: string) => sound(parseWebhookId(text), "webhook_id"),
};

/** The database's own types make these sound; anything else is a bug. */
function sound<Value>(value: Value | undefined, column: string): Value {
  if (value === undefined) throw new Error(`the column ${column} holds what no Posthorn service writes`);
  return value;
}
