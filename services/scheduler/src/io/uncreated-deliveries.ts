/** Open deliveries of which no creation is known, with what other deliveries tell of their events and webhooks. */

import type { OpenDatabase } from "@posthorn/database";
import type { UncreatedDelivery } from "../core/lost-creation.ts";
import { ids, profileFrom } from "./delivery-rows.ts";

/** Of one look; the next one finds the others. */
const ROWS_MAX = 500;

const UNCREATED = `
  select d.id, d.org_id, d.event_id, d.webhook_id, d.attempt_count, d.release,
    e.type, e.timestamp, e.accepted_at, e.caller_id, e.place_epoch_ms, e.place_sequence, e.place_index, e.traceparent,
    o.profile, o.event_type_prefix
  from deliveries d
  left join events e on e.id = d.event_id and e.org_id = d.org_id
  left join lateral (
    select profile, coalesce(event_type_prefix, '') as event_type_prefix from deliveries
    where webhook_id = d.webhook_id and event_type is not null and not test
    order by created_at desc, id desc limit 1) o on true
  where d.partition = $1 and d.completed_at is null and d.created_at < $2 and d.event_type is null
  order by d.created_at, d.id limit ${ROWS_MAX}`;

type Row = {
  readonly id: string;
  readonly org_id: string;
  readonly event_id: string;
  readonly webhook_id: string;
  readonly attempt_count: number;
  readonly release: number;
  readonly timestamp: string | null;
  readonly caller_id: string | null;
} & (EventColumns | { readonly [Column in keyof EventColumns]: null }) &
  (RenderingColumns | { readonly [Column in keyof RenderingColumns]: null });

type EventColumns = {
  readonly type: string;
  readonly accepted_at: Date;
  readonly place_epoch_ms: number;
  readonly place_sequence: number;
  readonly place_index: number;
  readonly traceparent: string;
};

type RenderingColumns = { readonly profile: string; readonly event_type_prefix: string };

/** @param quietSinceMs only what was first heard of before this moment. */
export async function findUncreated(
  pool: OpenDatabase["pool"],
  partition: number,
  quietSinceMs: number,
): Promise<readonly UncreatedDelivery[]> {
  const { rows } = await pool.query<Row>(UNCREATED, [partition, new Date(quietSinceMs)]);
  return rows.map((row) => ({
    orgId: ids.org(row.org_id),
    eventId: ids.event(row.event_id),
    deliveryId: ids.delivery(row.id),
    webhookId: ids.webhook(row.webhook_id),
    attemptCount: row.attempt_count,
    release: row.release,
    event: eventFromRow(row),
    rendering:
      row.profile === null ? undefined : { profile: profileFrom(row.profile), eventTypePrefix: row.event_type_prefix },
  }));
}

function eventFromRow(row: Row): UncreatedDelivery["event"] {
  if (row.type === null) return undefined;
  return {
    type: row.type,
    timestamp: row.timestamp ?? undefined,
    acceptedAtMs: row.accepted_at.getTime(),
    callerId: row.caller_id ?? undefined,
    place: { epochMs: row.place_epoch_ms, sequence: row.place_sequence, index: row.place_index },
    traceparent: row.traceparent,
  };
}
