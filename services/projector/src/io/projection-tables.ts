/** The projections' tables: read what a batch is about, write what came of it. The search path says whose they are. */

import type { PoolClient, Row } from "@posthorn/database";
import {
  type DeliveryId,
  parseErrorClass,
  parseWebhookId,
  partitionOf,
  type WebhookHealth,
  type WebhookId,
} from "@posthorn/domain";
import { type DeliveryRecord, isUnderWay } from "../core/delivery-record.ts";
import type { AffectedKeys, CurrentRows, EventRow, HealthRow, ProjectionChanges } from "../core/fold-batch.ts";
import { messageIdOf, type RetryDue } from "../core/retry-due.ts";
import { uuidArray } from "./binary-arrays.ts";
import {
  bool,
  bulkCopy,
  bulkInsert,
  bulkUpdate,
  type Column,
  doUpdate,
  int2,
  int4,
  int8,
  type Statement,
  text,
  timestamp,
  uuid,
} from "./bulk-insert.ts";
import {
  CHANGING_DELIVERY_COLUMNS,
  DELIVERY_COLUMNS,
  DELIVERY_ID,
  type DeliveryRow,
  deliveryFromRow,
  STATE_COLUMNS,
} from "./delivery-row.ts";
import { insertAudit, insertDisablings, insertReplays, readReplays } from "./organisation-tables.ts";

export async function readCurrentRows(client: PoolClient, keys: AffectedKeys): Promise<CurrentRows> {
  const [deliveries, health, replays] = await Promise.all([
    readDeliveries(client, keys.deliveries),
    readHealth(client, keys.webhooks),
    readReplays(client, keys.replays),
  ]);
  return { deliveries, health, replays };
}

/** Is the row certainly not there yet? Whoever errs has the transaction fail. */
export type IsNewEvent = (row: EventRow) => boolean;

/**
 * Everything is encoded before anything is sent: what cannot be written must not leave half a batch behind.
 * @param current what the changes were folded from.
 */
export function changeStatements(
  changes: ProjectionChanges,
  current: CurrentRows,
  isNewEvent: IsNewEvent,
): readonly Statement[] {
  const { added = [], given = [] } = Object.groupBy(changes.events, (row) => (isNewEvent(row) ? "added" : "given"));
  return [
    ...deliveryStatements(changes.deliveries, current.deliveries),
    ...addEvents(added),
    ...insertEvents(given),
    ...insertRetryDue(inKeyOrder(changes.retryDue, (row) => row.deliveryId)),
    ...deleteRetryDue(inKeyOrder(changes.retryDueDeleted, (id) => id)),
    ...insertHealth(inKeyOrder(changes.health, (row) => row.webhookId)),
    ...insertReplays(inKeyOrder(changes.replays, (row) => row.replayId)),
    ...insertDisablings(changes.disablings),
    ...insertAudit(changes.audit),
  ];
}

/** Rows that are there are locked in the order of their keys, so that two writers cannot wait for each other. */
function inKeyOrder<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  return rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Which tables the session writes to: another number once a rebuild has put others in their place. */
export async function projectionTablesId(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ id: number }>({
    name: "which-tables",
    text: "select to_regclass('deliveries')::oid::int8 as id",
  });
  return rows[0]?.id ?? 0;
}

async function readDeliveries(
  client: PoolClient,
  ids: readonly DeliveryId[],
): Promise<Map<DeliveryId, DeliveryRecord>> {
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<DeliveryRow>({
    name: "read-deliveries",
    text: "select * from deliveries where id = any($1::uuid[])",
    values: [uuidArray(ids)],
  });
  return new Map(rows.map((row) => deliveryFromRow(row)).map((record) => [record.deliveryId, record]));
}

/**
 * The dearest table: what is new is copied, and of what is under way only its state is written. What is new stays in
 * the order of the log: nobody else can hold it, and indexes by time grow at their ends.
 */
function deliveryStatements(
  records: readonly DeliveryRecord[],
  current: CurrentRows["deliveries"],
): readonly Statement[] {
  const {
    added = [],
    advanced = [],
    replaced = [],
  } = Object.groupBy(records, ({ deliveryId }) => {
    const before = current.get(deliveryId);
    if (before === undefined) return "added";
    return isUnderWay(before) ? "advanced" : "replaced";
  });
  return [
    ...addDeliveries(added),
    ...advanceDeliveries(inKeyOrder(advanced, (record) => record.deliveryId)),
    ...replaceDeliveries(inKeyOrder(replaced, (record) => record.deliveryId)),
  ];
}

const addDeliveries = bulkCopy<DeliveryRecord>("deliveries", DELIVERY_COLUMNS);

const advanceDeliveries = bulkUpdate<DeliveryRecord>("deliveries", DELIVERY_ID, STATE_COLUMNS);

const replaceDeliveries = bulkInsert<DeliveryRecord>(
  "deliveries",
  DELIVERY_COLUMNS,
  doUpdate(
    "id",
    CHANGING_DELIVERY_COLUMNS.map((column) => column.name),
  ),
);

const EVENT_COLUMNS: readonly Column<EventRow>[] = [
  uuid("id", (row) => row.eventId),
  uuid("org_id", (row) => row.orgId),
  text("type", ({ facts }) => facts.type),
  text("timestamp", ({ facts }) => facts.timestamp),
  timestamp("accepted_at", ({ facts }) => facts.acceptedAtMs),
  text("caller_id", ({ facts }) => facts.callerId),
  int8("place_epoch_ms", ({ facts }) => facts.place.epochMs),
  int8("place_sequence", ({ facts }) => facts.place.sequence),
  int4("place_index", ({ facts }) => facts.place.index),
  text("traceparent", ({ facts }) => facts.traceparent),
];

const addEvents = bulkCopy<EventRow>("events", EVENT_COLUMNS);

const insertEvents = bulkInsert<EventRow>("events", EVENT_COLUMNS, "do nothing");

const CHANGING_RETRY_COLUMNS: readonly Column<RetryDue>[] = [
  timestamp("due_at", (row) => row.dueAtMs),
  text("kind", (row) => row.kind),
  text("reason", (row) => row.reason),
  bool("is_only", (row) => row.isOnly),
  bool("may_have_been_sent", (row) => row.mayHaveBeenSent),
  int4("attempt", (row) => row.attempt),
  int4("release", (row) => row.release),
];

const insertRetryDue = bulkInsert<RetryDue>(
  "retry_due",
  [
    uuid("delivery_id", (row) => row.deliveryId),
    int2("partition", (row) => partitionOf(row.orgId)),
    uuid("org_id", (row) => row.orgId),
    uuid("event_id", (row) => row.eventId),
    uuid("webhook_id", (row) => row.webhookId),
    text("event_type", ({ creation }) => creation.eventType),
    timestamp("accepted_at", ({ creation }) => creation.acceptedAtMs),
    text("profile", ({ creation }) => creation.profile),
    text("event_type_prefix", ({ creation }) => creation.eventTypePrefix),
    uuid("message_id", messageIdOf),
    int8("place_epoch_ms", ({ creation }) => creation.place.epochMs),
    int8("place_sequence", ({ creation }) => creation.place.sequence),
    int4("place_index", ({ creation }) => creation.place.index),
    text("traceparent", ({ creation }) => creation.traceparent),
    ...CHANGING_RETRY_COLUMNS,
  ],
  // What comes next is another release: nobody has claimed that one.
  `${doUpdate(
    "delivery_id",
    CHANGING_RETRY_COLUMNS.map((column) => column.name),
  )}, claimed_until = null`,
);

function deleteRetryDue(ids: readonly DeliveryId[]): readonly Statement[] {
  if (ids.length === 0) return [];
  const text = "delete from retry_due where delivery_id = any($1::uuid[])";
  return [{ kind: "prepared", name: "delete-retry-due", text, values: [uuidArray(ids)] }];
}

const CHANGING_HEALTH_COLUMNS: readonly Column<HealthRow>[] = [
  timestamp("last_attempt_at", ({ health }) => health.lastAttemptAtMs),
  int4("last_status_code", ({ health }) => health.lastStatusCode),
  text("last_error_class", ({ health }) => health.lastErrorClass),
  int4("consecutive_failures", ({ health }) => health.consecutiveFailures),
  timestamp("failing_since", ({ health }) => health.failingSinceMs),
  int4("congested_count", ({ health }) => health.congestedCount),
  text("circuit", ({ health }) => health.circuit.kind),
  int4("circuit_generation", ({ health }) => health.circuit.generation),
  timestamp("circuit_changed_at", ({ health }) => health.circuit.changedAtMs),
];

const insertHealth = bulkInsert<HealthRow>(
  "webhook_health",
  [uuid("webhook_id", (row) => row.webhookId), uuid("org_id", (row) => row.orgId), ...CHANGING_HEALTH_COLUMNS],
  doUpdate(
    "webhook_id",
    CHANGING_HEALTH_COLUMNS.map((column) => column.name),
  ),
);

async function readHealth(client: PoolClient, ids: readonly WebhookId[]): Promise<Map<WebhookId, WebhookHealth>> {
  const health = new Map<WebhookId, WebhookHealth>();
  if (ids.length === 0) return health;
  const { rows } = await client.query<Row<"webhook_health">>({
    name: "read-health",
    text: "select * from webhook_health where webhook_id = any($1::uuid[])",
    values: [uuidArray(ids)],
  });
  for (const row of rows) {
    const webhookId = parseWebhookId(row.webhook_id);
    if (webhookId === undefined) continue;
    health.set(webhookId, {
      lastAttemptAtMs: row.last_attempt_at?.getTime(),
      lastStatusCode: row.last_status_code ?? undefined,
      lastErrorClass: row.last_error_class === null ? undefined : parseErrorClass(row.last_error_class),
      consecutiveFailures: row.consecutive_failures,
      failingSinceMs: row.failing_since?.getTime(),
      congestedCount: row.congested_count,
      circuit: {
        kind: row.circuit,
        generation: row.circuit_generation,
        changedAtMs: row.circuit_changed_at?.getTime(),
      },
    });
  }
  return health;
}
