/** Deliveries, as the projector keeps them in Postgres. Read only. */

import type { Database, DeliveriesTable } from "@posthorn/database";
import {
  type BodyOrder,
  DELIVERY_STATUSES,
  type DeliveryId,
  type DeliveryState,
  type DeliveryStatus,
  type EventId,
  type OrgId,
  type PayloadPlace,
  parseDeliveryId,
  parseEventId,
  parseWebhookId,
  type WebhookId,
} from "@posthorn/domain";
import { type Expression, expressionBuilder, type Kysely, type Selectable, type SqlBool, sql } from "kysely";
import { type Cursor, type Page, pageOf } from "../core/cursor.ts";
import type { Delivery } from "../core/present-delivery.ts";
import type { LogPosition } from "../core/present-log-event.ts";
import type { Release } from "../core/retry-decision.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { millisecondsOf, stored, storedErrorClass, storedOrgId, storedProfile } from "./stored.ts";
import { storedState } from "./stored-state.ts";
import { typeMatches } from "./type-matches.ts";

export type DeliveryFilter = {
  readonly webhookId?: WebhookId | undefined;
  readonly eventId?: EventId | undefined;
  readonly status?: DeliveryStatus | undefined;
  /** An event type or a sound pattern. */
  readonly event?: string | undefined;
  readonly success?: boolean | undefined;
  /** Created then or later, and before `untilMs`. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
};

/** A delivery with all that leads to its payload and its history. */
export type DeliveryDossier = {
  readonly delivery: Delivery;
  readonly orgId: OrgId;
  readonly state: DeliveryState;
  readonly release: Release;
  readonly acceptedAtMs: number;
  /** Of which every attempt's body is made, with the event. */
  readonly order: BodyOrder;
  readonly place: PayloadPlace;
  /** Of the log. */
  readonly partition: number;
  /** In the order in which they were logged. */
  readonly logPositions: readonly LogPosition[];
};

export type Deliveries = {
  list(org: OrgId, filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>>;
  get(org: OrgId, id: DeliveryId): Promise<DeliveryDossier | undefined>;
};

export function openDeliveries(db: Kysely<Database>): Deliveries {
  return {
    list: async (org, filter, { limit, cursor }) => {
      const rows = await listed(db, org, filter, cursor)
        .selectAll("deliveries")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(deliveryOf), limit, (delivery) => delivery);
    },

    get: async (org, id) => {
      const row = await db
        .selectFrom("deliveries")
        .leftJoin("retry_due", "retry_due.delivery_id", "deliveries.id")
        .selectAll("deliveries")
        .select(["retry_due.delivery_id as due_id", "retry_due.claimed_until"])
        .where(({ and }) => and([eb("deliveries.org_id", "=", org), IS_KNOWN]))
        .where("deliveries.id", "=", id)
        .executeTakeFirst();
      return row === undefined ? undefined : { ...dossierOf(row), release: releaseOf(row) };
    },
  };
}

/** Newest first. */
function listed(db: Kysely<Database>, org: OrgId, filter: DeliveryFilter, cursor: Cursor | undefined) {
  const [places, facts] = [placesIn(org, filter, cursor), factsIn(org, filter)];
  if (filter.event === undefined) {
    return db
      .selectFrom("deliveries")
      .where(({ and }) => and([...places, ...facts]))
      .orderBy("deliveries.created_at", "desc")
      .orderBy("deliveries.id", "desc");
  }
  // Of a rare type: the indexes of the lists know the types, so that the rows of all others need not be read.
  const ofType = db
    .selectFrom("deliveries")
    .where(({ and }) => and([...places, typeMatches("deliveries.event_type", filter.event ?? "")]))
    .select(["deliveries.id", "deliveries.created_at"])
    .orderBy("deliveries.created_at", "desc")
    .orderBy("deliveries.id", "desc")
    // Without it Postgres makes one query of both.
    .offset(sql.lit(0));
  return db
    .selectFrom(ofType.as("of_type"))
    .innerJoin("deliveries", "deliveries.id", "of_type.id")
    .where(({ and }) => and(facts))
    .orderBy("of_type.created_at", "desc")
    .orderBy("of_type.id", "desc");
}

const eb = expressionBuilder<Database, "deliveries">();
/** Until a delivery's creation has been read from the log, nobody can say what it is: it is not shown. */
const IS_KNOWN = eb("deliveries.event_type", "is not", null);

/** What one of the two indexes of the lists tells. */
function placesIn(org: OrgId, filter: DeliveryFilter, cursor: Cursor | undefined): readonly Expression<SqlBool>[] {
  const { webhookId, sinceMs, untilMs } = filter;
  const conditions: Expression<SqlBool>[] = [
    webhookId === undefined ? eb("deliveries.org_id", "=", org) : eb("deliveries.webhook_id", "=", webhookId),
  ];
  if (sinceMs !== undefined) conditions.push(eb("deliveries.created_at", ">=", new Date(sinceMs)));
  if (untilMs !== undefined) conditions.push(eb("deliveries.created_at", "<", new Date(untilMs)));
  if (cursor !== undefined) conditions.push(olderThan("deliveries", cursor));
  return conditions;
}

/** What only the row tells: also whose it is, because a webhook may be anybody's. */
function factsIn(org: OrgId, { eventId, status, success }: DeliveryFilter): readonly Expression<SqlBool>[] {
  const conditions: Expression<SqlBool>[] = [eb("deliveries.org_id", "=", org), IS_KNOWN];
  if (eventId !== undefined) conditions.push(eb("deliveries.event_id", "=", eventId));
  if (status !== undefined) conditions.push(eb("deliveries.status", "=", status));
  if (success !== undefined) conditions.push(success ? SUCCEEDED : FAILED_SO_FAR);
  return conditions;
}

const SUCCEEDED = sql<SqlBool>`status = 'delivered'`;
const FAILED_SO_FAR = sql<SqlBool>`status <> 'delivered' and (attempt_count > 0 or status = 'exhausted')`;

type DeliveryRow = Selectable<DeliveriesTable>;

function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: stored(parseDeliveryId(row.id), "deliveries.id"),
    eventId: stored(parseEventId(row.event_id), "deliveries.event_id"),
    webhookId: stored(parseWebhookId(row.webhook_id), "deliveries.webhook_id"),
    eventType: stored(row.event_type ?? undefined, "deliveries.event_type"),
    status: stored(
      DELIVERY_STATUSES.find((status) => status === row.status),
      "deliveries.status",
    ),
    reason: row.reason ?? undefined,
    attemptCount: row.attempt_count,
    nextAttemptAtMs: millisecondsOf(row.next_attempt_at),
    lastStatusCode: row.last_status_code ?? undefined,
    lastErrorClass: storedErrorClass(row.last_error_class),
    errorMessage: row.error_message ?? undefined,
    replayOf: row.replay_of === null ? undefined : stored(parseDeliveryId(row.replay_of), "deliveries.replay_of"),
    isTest: row.test,
    createdAtMs: row.created_at.getTime(),
    completedAtMs: millisecondsOf(row.completed_at),
  };
}

function releaseOf(row: { readonly due_id: string | null; readonly claimed_until: Date | null }): Release {
  if (row.due_id === null) return { kind: "none" };
  return row.claimed_until === null ? { kind: "waiting" } : { kind: "claimed", untilMs: row.claimed_until.getTime() };
}

function dossierOf(row: DeliveryRow): Omit<DeliveryDossier, "release"> {
  const delivery = deliveryOf(row);
  return {
    delivery,
    orgId: storedOrgId(row.org_id),
    state: storedState(row),
    acceptedAtMs: stored(millisecondsOf(row.accepted_at), "deliveries.accepted_at"),
    order: {
      profile: stored(row.profile === null ? undefined : storedProfile(row.profile), "deliveries.profile"),
      eventTypePrefix: row.event_type_prefix ?? "",
      messageId: delivery.replayOf ?? delivery.id,
    },
    place: {
      epochMs: stored(row.place_epoch_ms ?? undefined, "deliveries.place_epoch_ms"),
      sequence: stored(row.place_sequence ?? undefined, "deliveries.place_sequence"),
      index: stored(row.place_index ?? undefined, "deliveries.place_index"),
    },
    partition: row.partition,
    logPositions: row.log_sequences.map((sequence, index) => ({
      partition: row.partition,
      epochMs: stored(row.log_epochs[index], "deliveries.log_epochs"),
      sequence,
    })),
  };
}
