/** Asks for one more attempt of many deliveries that have failed for good. */

import type { Database } from "@posthorn/database";
import { type DeliveryRetried, limits, type OrgId, type WebhookId } from "@posthorn/domain";
import { type Kysely, sql, type Transaction } from "kysely";
import { retryEvent } from "../core/retry-decision.ts";
import type { Chance } from "../handlers/chance.ts";
import { type AuditedChange, recordAudit } from "./record-audit.ts";
import { recordLogEvents } from "./record-log-events.ts";
import { storedIdentity, storedState } from "./stored-state.ts";

export type RetryFilter = {
  readonly webhookId: WebhookId | undefined;
  /** Created then or later, and before `untilMs`. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
};

/** Returns how many of the newest `limit` it was asked for. */
export type RetryDeliveries = (
  org: OrgId,
  filter: RetryFilter,
  limit: number,
  change: AuditedChange,
) => Promise<number>;

export function deliveriesRetrier(db: Kysely<Database>, chance: Chance): RetryDeliveries {
  return (org, filter, limit, change) =>
    db.transaction().execute(async (transaction) => {
      const nowMs = chance.nowMs();
      const rows = await retryable(transaction, org, filter, nowMs).limit(limit).execute();
      const events = rows
        .map((row) => retryEvent(storedIdentity(row), change.actor, storedState(row), nowMs))
        .filter((event): event is DeliveryRetried => event !== undefined);
      await recordLogEvents(transaction, events, nowMs);
      if (events.length > 0) await recordAudit(transaction, change, chance);
      return events.length;
    });
}

/** Those of webhooks that take deliveries, whose payload is still there as far as Postgres knows. */
function retryable(transaction: Transaction<Database>, org: OrgId, filter: RetryFilter, nowMs: number) {
  let query = transaction
    .selectFrom("deliveries")
    .innerJoin("webhooks", "webhooks.id", "deliveries.webhook_id")
    .selectAll("deliveries")
    .where("deliveries.org_id", "=", org)
    .where("deliveries.status", "=", "exhausted")
    .where("deliveries.event_type", "is not", null)
    .where("deliveries.test", "=", false)
    .where("deliveries.accepted_at", ">", new Date(nowMs - limits.DELIVERY_HORIZON_MS))
    .where("webhooks.deleted_at", "is", null)
    .where(sql<boolean>`(webhooks.is_active or webhooks.disabled_reason is null)`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("payload_deletions")
            .select("event_id")
            .whereRef("payload_deletions.event_id", "=", "deliveries.event_id"),
        ),
      ),
    );
  const { webhookId, sinceMs, untilMs } = filter;
  if (webhookId !== undefined) query = query.where("deliveries.webhook_id", "=", webhookId);
  if (sinceMs !== undefined) query = query.where("deliveries.created_at", ">=", new Date(sinceMs));
  if (untilMs !== undefined) query = query.where("deliveries.created_at", "<", new Date(untilMs));
  return query.orderBy("deliveries.created_at", "desc").orderBy("deliveries.id", "desc");
}
