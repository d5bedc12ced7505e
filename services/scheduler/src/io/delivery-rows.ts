/** What rows of `retry_due` and `deliveries` share: everything that a work item says of its delivery. */

import {
  type ProfileName,
  parseDeliveryId,
  parseEventId,
  parseOrgId,
  parseProfileName,
  parseReplayId,
  parseWebhookId,
} from "@posthorn/domain";
import type { WaitingDelivery, WorkFacts } from "../core/release.ts";

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
  /** What the receiver knows the message by. */
  readonly message_id: string;
  readonly event_type_prefix: string;
  readonly is_only: boolean;
  readonly may_have_been_sent: boolean;
};

export function identityFromRow(row: IdentityRow): WorkFacts {
  return {
    deliveryId: ids.delivery(row.delivery_id),
    orgId: ids.org(row.org_id),
    eventId: ids.event(row.event_id),
    webhookId: ids.webhook(row.webhook_id),
    eventType: row.event_type,
    acceptedAtMs: row.accepted_at.getTime(),
    profile: profileFrom(row.profile),
    place: { epochMs: row.place_epoch_ms, sequence: row.place_sequence, index: row.place_index },
    traceparent: row.traceparent,
    messageId: sound(parseDeliveryId(row.message_id), "message_id"),
    eventTypePrefix: row.event_type_prefix,
    isOnly: row.is_only,
    mayHaveBeenSent: row.may_have_been_sent,
  };
}

/** Of `retry_due` as `r`, `webhook_health` as `h`, and the claim before this one. */
export const WAITING_COLUMNS = `
  r.delivery_id, r.org_id, r.event_id, r.webhook_id, r.event_type, r.accepted_at, r.attempt, r.release, r.kind,
  r.profile, r.place_epoch_ms, r.place_sequence, r.place_index, r.traceparent, r.message_id, r.event_type_prefix,
  r.is_only, r.may_have_been_sent, r.due_at, h.circuit, h.circuit_generation`;

export type WaitingRow = IdentityRow & {
  readonly attempt: number;
  readonly release: number;
  readonly kind: "retry" | "parked";
  readonly due_at: Date;
  readonly claimed_until: Date | null;
  /** Null: nothing is known of the webhook's health. */
  readonly circuit: "closed" | "open" | null;
  readonly circuit_generation: number | null;
};

export function waitingFromRow(row: WaitingRow): WaitingDelivery {
  return {
    ...identityFromRow(row),
    attempt: row.attempt,
    release: row.release,
    kind: row.kind,
    dueAtMs: row.due_at.getTime(),
    wasClaimed: row.claimed_until !== null,
    circuit: { kind: row.circuit ?? "closed", generation: row.circuit_generation ?? 0 },
  };
}

/** Names a row as it stood when it was read: the projection makes another of it. */
export type RowVersion = Pick<WaitingDelivery, "deliveryId" | "attempt" | "release">;

/** Identifies rows as they were claimed: columns of ids, attempts and releases. */
export function columnsOf(rows: readonly RowVersion[]): unknown[] {
  return [rows.map((row) => row.deliveryId), rows.map((row) => row.attempt), rows.map((row) => row.release)];
}

export const ids = {
  delivery: (text: string) => sound(parseDeliveryId(text), "delivery_id"),
  event: (text: string) => sound(parseEventId(text), "event_id"),
  replay: (text: string) => sound(parseReplayId(text), "replay_id"),
  org: (text: string) => sound(parseOrgId(text), "org_id"),
  webhook: (text: string) => sound(parseWebhookId(text), "webhook_id"),
};

export function profileFrom(text: string): ProfileName {
  return sound(parseProfileName(text), "profile");
}

/** The database's own types make these sound; anything else is a bug. */
function sound<Value>(value: Value | undefined, column: string): Value {
  if (value === undefined) throw new Error(`the column ${column} holds what no Posthorn service writes`);
  return value;
}
