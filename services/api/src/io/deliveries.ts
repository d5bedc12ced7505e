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
import { type Kysely, type Selectable, type SqlBool, sql } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
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
      let query = filtered(db, org, filter);
      if (cursor !== undefined) query = query.where(olderThan("deliveries", cursor));
      const rows = await query
        .selectAll()
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(deliveryOf), limit, (delivery) => delivery);
    },

    get: async (org, id) => {
      const row = await known(db, org)
        .leftJoin("retry_due", "retry_due.delivery_id", "deliveries.id")
        .selectAll("deliveries")
        .select(["retry_due.delivery_id as due_id", "retry_due.claimed_until"])
        .where("deliveries.id", "=", id)
        .executeTakeFirst();
      return row === undefined ? undefined : { ...dossierOf(row), release: releaseOf(row) };
    },
  };
}

/** Until a delivery's creation has been read from the log, nobody can say what it is: it is not shown. */
function known(db: Kysely<Database>, org: OrgId) {
  return db
    .selectFrom("deliveries")
    .where("deliveries.org_id", "=", org)
    .where("deliveries.event_type", "is not", null);
}

function filtered(db: Kysely<Database>, org: OrgId, filter: DeliveryFilter) {
  let query = known(db, org);
  if (filter.webhookId !== undefined) query = query.where("webhook_id", "=", filter.webhookId);
  if (filter.eventId !== undefined) query = query.where("event_id", "=", filter.eventId);
  if (filter.status !== undefined) query = query.where("status", "=", filter.status);
  if (filter.event !== undefined) query = query.where(typeMatches("event_type", filter.event));
  if (filter.success !== undefined) query = query.where(filter.success ? SUCCEEDED : FAILED_SO_FAR);
  if (filter.sinceMs !== undefined) query = query.where("created_at", ">=", new Date(filter.sinceMs));
  if (filter.untilMs !== undefined) query = query.where("created_at", "<", new Date(filter.untilMs));
  return query;
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
