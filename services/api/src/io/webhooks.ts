/** Webhooks in Postgres, with the health of their receivers. Deleted ones stay for history and are not found here. */

import type { Database } from "@posthorn/database";
import { type OrgId, parseWebhookId, type WebhookId } from "@posthorn/domain";
import { type Kysely, sql, type Transaction } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { Webhook } from "../core/present-webhook.ts";
import type { WebhookSettings } from "../core/webhook-settings.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { type HealthColumns, stored, storedHealth, storedOrgId, storedProfile } from "./stored.ts";

/** All that a change may set. */
export type WebhookContent = WebhookSettings & { readonly url: string; readonly patterns: readonly string[] };

export type NewWebhook = WebhookContent & {
  readonly id: WebhookId;
  readonly orgId: OrgId;
  readonly sealedSecret: Buffer;
  readonly createdAtMs: number;
};

export type Webhooks = {
  insert(webhook: NewWebhook): Promise<void>;
  list(org: OrgId, page: PageRequest): Promise<Page<Webhook>>;
  get(org: OrgId, id: WebhookId): Promise<Webhook | undefined>;
  /** Has there ever been such a webhook? */
  hasExisted(org: OrgId, id: WebhookId): Promise<boolean>;
  /** The row is locked while `change` is asked what it becomes; undefined when there is no such webhook. */
  update(
    org: OrgId,
    id: WebhookId,
    change: (before: Webhook) => WebhookContent,
    nowMs: number,
  ): Promise<Webhook | undefined>;
  /** False when there is no such webhook. */
  remove(org: OrgId, id: WebhookId, nowMs: number): Promise<boolean>;
};

export function openWebhooks(db: Kysely<Database>): Webhooks {
  return {
    insert: (webhook) => db.transaction().execute((transaction) => insert(transaction, webhook)),

    list: async (org, { limit, cursor }) => {
      let query = present(db).where("webhooks.org_id", "=", org);
      if (cursor !== undefined) query = query.where(olderThan("webhooks", cursor));
      const rows = await query
        .orderBy("webhooks.created_at", "desc")
        .orderBy("webhooks.id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(webhookOf), limit, (webhook) => webhook);
    },

    get: (org, id) => find(db, org, id),

    hasExisted: async (org, id) => {
      const query = db.selectFrom("webhooks").select("id").where("id", "=", id).where("org_id", "=", org);
      return (await query.executeTakeFirst()) !== undefined;
    },

    update: (org, id, change, nowMs) =>
      db.transaction().execute(async (transaction) => {
        const locked = transaction.selectFrom("webhooks").select("id").where("id", "=", id).forUpdate();
        await locked.executeTakeFirst();
        const before = await find(transaction, org, id);
        if (before === undefined) return undefined;
        const content = change(before);
        await write(transaction, before, contentColumns(content), nowMs);
        return { ...before, ...content, updatedAtMs: nowMs };
      }),

    remove: (org, id, nowMs) =>
      db.transaction().execute(async (transaction) => {
        const deletion = { deleted_at: new Date(nowMs), sealed_secrets: [] };
        return write(transaction, { orgId: org, id }, deletion, nowMs);
      }),
  };
}

async function insert(transaction: Transaction<Database>, webhook: NewWebhook): Promise<void> {
  const { id, orgId, createdAtMs } = webhook;
  const createdAt = new Date(createdAtMs);
  await transaction
    .insertInto("webhooks")
    .values({
      id,
      org_id: orgId,
      ...contentColumns(webhook),
      sealed_secrets: [webhook.sealedSecret],
      created_at: createdAt,
      updated_at: createdAt,
      version: FIRST_VERSION,
    })
    .execute();
  await recordChange(transaction, { kind: "webhook", orgId, id }, FIRST_VERSION, createdAtMs);
}

/** Makes the next version of a row that is not deleted; false when there is none. */
async function write(
  transaction: Transaction<Database>,
  { orgId, id }: Pick<Webhook, "orgId" | "id">,
  columns: ReturnType<typeof contentColumns> | { readonly deleted_at: Date; readonly sealed_secrets: Buffer[] },
  nowMs: number,
): Promise<boolean> {
  const written = await transaction
    .updateTable("webhooks")
    .set((row) => ({ ...columns, updated_at: new Date(nowMs), version: row("version", "+", 1) }))
    .where("id", "=", id)
    .where("org_id", "=", orgId)
    .where("deleted_at", "is", null)
    .returning("version")
    .executeTakeFirst();
  if (written === undefined) return false;
  await recordChange(transaction, { kind: "webhook", orgId, id }, written.version, nowMs);
  return true;
}

function contentColumns(content: WebhookContent) {
  return {
    url: content.url,
    patterns: [...content.patterns],
    description: content.description ?? null,
    profile: content.profile,
    timeout_ms: content.timeoutMs ?? null,
    retry_delays_s: content.retryDelaysS === undefined ? null : [...content.retryDelaysS],
    is_active: content.isActive,
  };
}

async function find(db: Kysely<Database>, org: OrgId, id: WebhookId): Promise<Webhook | undefined> {
  const row = await present(db).where("webhooks.id", "=", id).where("webhooks.org_id", "=", org).executeTakeFirst();
  return row === undefined ? undefined : webhookOf(row);
}

/** Without the ciphertexts: whoever shows webhooks has no use for them. */
function present(db: Kysely<Database>) {
  return db
    .selectFrom("webhooks")
    .leftJoin("webhook_health as health", "health.webhook_id", "webhooks.id")
    .select([
      "webhooks.id",
      "webhooks.org_id",
      "webhooks.url",
      "webhooks.patterns",
      "webhooks.description",
      "webhooks.profile",
      "webhooks.timeout_ms",
      "webhooks.retry_delays_s",
      "webhooks.is_active",
      sql<boolean>`cardinality(webhooks.sealed_secrets) > 0`.as("has_secret"),
      "webhooks.created_at",
      "webhooks.updated_at",
      "health.last_attempt_at",
      "health.last_status_code",
      "health.last_error_class",
      "health.consecutive_failures",
    ])
    .where("webhooks.deleted_at", "is", null);
}

type WebhookRow = HealthColumns & {
  readonly id: string;
  readonly org_id: string;
  readonly url: string;
  readonly patterns: readonly string[];
  readonly description: string | null;
  readonly profile: string;
  readonly timeout_ms: number | null;
  readonly retry_delays_s: readonly number[] | null;
  readonly is_active: boolean;
  readonly has_secret: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
};

function webhookOf(row: WebhookRow): Webhook {
  return {
    id: stored(parseWebhookId(row.id), "webhooks.id"),
    orgId: storedOrgId(row.org_id),
    url: row.url,
    patterns: row.patterns,
    description: row.description ?? undefined,
    profile: storedProfile(row.profile),
    timeoutMs: row.timeout_ms ?? undefined,
    retryDelaysS: row.retry_delays_s ?? undefined,
    isActive: row.is_active,
    hasSecret: row.has_secret,
    health: storedHealth(row),
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}
