/** Webhooks in Postgres, with the health of their receivers. Deleted ones stay for history and are not found here. */

import type { Database } from "@posthorn/database";
import { type OrgId, parseWebhookId, type SealedSecret, type WebhookId } from "@posthorn/domain";
import { type Kysely, type SqlBool, sql, type Transaction, type UpdateObject } from "kysely";
import type { ChangedWebhook, ContentBefore, WebhookContent } from "../core/change-webhook.ts";
import { type Page, pageOf } from "../core/cursor.ts";
import type { Webhook } from "../core/present-webhook.ts";
import { unexpired } from "../core/rotate-secrets.ts";
import type { Signing } from "../core/signing.ts";
import type { InvalidField, UnknownWebhook } from "../core/webhook-refusal.ts";
import type { Alongside } from "./alongside.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { stored, storedOrgId, storedSecrets } from "./stored.ts";
import { isUniqueViolation } from "./unique-violation.ts";
import {
  contentColumns,
  contentOf,
  NO_CIPHERTEXTS,
  secretColumns,
  shownWebhook,
  shownWebhooks,
} from "./webhook-rows.ts";

export type NewWebhook = {
  readonly id: WebhookId;
  readonly orgId: OrgId;
  readonly content: WebhookContent;
  readonly signing: Signing;
  readonly publicKey: string | undefined;
  readonly sealedSecret: Buffer;
  /** False: the receiver is told none. */
  readonly hasSecret: boolean;
  /** The secret may be asked for again. */
  readonly isSecretReadable: boolean;
  readonly externalId: string | undefined;
  readonly createdAtMs: number;
};

/** What a rotation sets. */
export type RotatedSecrets = {
  readonly secrets: readonly SealedSecret[];
  readonly publicKey: string | undefined;
  readonly legacySignsWith: "old" | "new";
};

export type SecretsBefore = {
  /** Newest first. */
  readonly secrets: readonly SealedSecret[];
  /** Its receiver was told one. */
  readonly hasSecret: boolean;
};

export type SecretState = {
  /** Newest first. */
  readonly secrets: readonly SealedSecret[];
  /** The newest may be asked for. */
  readonly isReadable: boolean;
};

export type Disabling = { readonly reason: string; readonly version: number; readonly nowMs: number };

export type Webhooks = {
  insert(webhook: NewWebhook, alongside: Alongside): Promise<"inserted" | "external-id-taken">;
  list(org: OrgId, page: PageRequest): Promise<Page<Webhook>>;
  get(org: OrgId, id: WebhookId): Promise<Webhook | undefined>;
  /** By the id that its creator chose. */
  getByExternalId(org: OrgId, externalId: string): Promise<Webhook | undefined>;
  /** Has there ever been such a webhook? */
  hasExisted(org: OrgId, id: WebhookId): Promise<boolean>;
  secretsOf(org: OrgId, id: WebhookId): Promise<SecretState | undefined>;
  /** The row is locked while `change` is asked what it becomes. */
  update(
    org: OrgId,
    id: WebhookId,
    change: (before: ContentBefore) => ChangedWebhook,
    nowMs: number,
    alongside: Alongside,
  ): Promise<{ readonly kind: "updated"; readonly webhook: Webhook } | InvalidField | UnknownWebhook>;
  /** The row is locked while `change` is asked for the secrets. Undefined when there is no such webhook. */
  rotate(
    org: OrgId,
    id: WebhookId,
    change: (before: SecretsBefore) => RotatedSecrets,
    nowMs: number,
    alongside: (rotated: Webhook) => Alongside,
  ): Promise<Webhook | undefined>;
  /** Takes it out of service, as long as it is what was judged. False when it has been changed since. */
  disable(org: OrgId, id: WebhookId, disabling: Disabling, alongside: Alongside): Promise<boolean>;
  /** Forgets former secrets that no longer sign, of some webhooks at a time; says of how many. */
  purgeSecrets(nowMs: number): Promise<number>;
  /** False when there is no such webhook. */
  remove(org: OrgId, id: WebhookId, nowMs: number, alongside: Alongside): Promise<boolean>;
};

export function openWebhooks(db: Kysely<Database>): Webhooks {
  return { ...reading(db), ...writing(db) };
}

function reading(db: Kysely<Database>) {
  return {
    list: async (org, { limit, cursor }) => {
      let query = shownWebhooks(db).where("webhooks.org_id", "=", org);
      if (cursor !== undefined) query = query.where(olderThan("webhooks", cursor));
      const rows = await query
        .orderBy("webhooks.created_at", "desc")
        .orderBy("webhooks.id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(shownWebhook), limit, (webhook) => webhook);
    },

    get: (org, id) => find(db, org, id),

    getByExternalId: async (org, externalId) => {
      const query = shownWebhooks(db).where("webhooks.org_id", "=", org).where("webhooks.external_id", "=", externalId);
      const row = await query.executeTakeFirst();
      return row === undefined ? undefined : shownWebhook(row);
    },

    hasExisted: async (org, id) => {
      const query = db.selectFrom("webhooks").select("id").where("id", "=", id).where("org_id", "=", org);
      return (await query.executeTakeFirst()) !== undefined;
    },

    secretsOf: async (org, id) => {
      const row = await present(db, org, id)
        .select([...SECRET_COLUMNS, "secret_readable"])
        .executeTakeFirst();
      return row === undefined ? undefined : { secrets: storedSecrets(row), isReadable: row.secret_readable };
    },
  } satisfies Partial<Webhooks>;
}

function writing(db: Kysely<Database>) {
  return {
    insert: async (webhook, alongside) => {
      try {
        await db.transaction().execute(async (transaction) => {
          await insert(transaction, webhook);
          await alongside(transaction);
        });
        return "inserted";
      } catch (error) {
        if (webhook.externalId !== undefined && isUniqueViolation(error)) return "external-id-taken";
        throw error;
      }
    },

    update: (org, id, change, nowMs, alongside) =>
      db.transaction().execute(async (transaction) => {
        const row = await present(transaction, org, id).selectAll().forUpdate().executeTakeFirst();
        if (row === undefined) return { kind: "unknown" };
        const changed = change(contentOf(row));
        if (changed.kind === "invalid") return changed;
        const updated_at = new Date(nowMs);
        await write(transaction, org, id, { ...contentColumns(changed.content), updated_at }, nowMs);
        await alongside(transaction);
        return { kind: "updated", webhook: await foundAfterWrite(transaction, org, id) };
      }),

    rotate: (org, id, change, nowMs, alongside) =>
      db.transaction().execute(async (transaction) => {
        const query = present(transaction, org, id).select([...SECRET_COLUMNS, "has_secret"]);
        const row = await query.forUpdate().executeTakeFirst();
        if (row === undefined) return undefined;
        const before = { secrets: storedSecrets(row), hasSecret: row.has_secret };
        const { secrets, publicKey, legacySignsWith } = change(before);
        const columns = {
          ...secretColumns(secrets),
          public_key: publicKey ?? null,
          legacy_signs_with: legacySignsWith,
          has_secret: true,
          updated_at: new Date(nowMs),
        };
        await write(transaction, org, id, columns, nowMs);
        const rotated = await foundAfterWrite(transaction, org, id);
        await alongside(rotated)(transaction);
        return rotated;
      }),

    disable: (org, id, { reason, version, nowMs }, alongside) =>
      db.transaction().execute(async (transaction) => {
        const row = await present(transaction, org, id).select("version").forUpdate().executeTakeFirst();
        if (row?.version !== version) return false;
        const columns = { is_active: false, disabled_reason: reason, updated_at: new Date(nowMs) };
        await write(transaction, org, id, columns, nowMs);
        await alongside(transaction);
        return true;
      }),

    purgeSecrets: (nowMs) => db.transaction().execute((transaction) => purgeSecrets(transaction, nowMs)),

    remove: (org, id, nowMs, alongside) =>
      db.transaction().execute(async (transaction) => {
        const deletedAt = new Date(nowMs);
        const deletion = { ...NO_CIPHERTEXTS, deleted_at: deletedAt, updated_at: deletedAt };
        const wasThere = await write(transaction, org, id, deletion, nowMs);
        if (wasThere) await alongside(transaction);
        return wasThere;
      }),
  } satisfies Partial<Webhooks>;
}

const SECRET_COLUMNS = ["sealed_secrets", "secret_expiries"] as const;
const PURGED_AT_ONCE_MAX = 100;

async function insert(transaction: Transaction<Database>, webhook: NewWebhook): Promise<void> {
  const { id, orgId, createdAtMs } = webhook;
  const createdAt = new Date(createdAtMs);
  await transaction
    .insertInto("webhooks")
    .values({
      id,
      org_id: orgId,
      ...contentColumns(webhook.content),
      ...secretColumns([{ ciphertext: webhook.sealedSecret, signsUntilMs: undefined }]),
      signing: webhook.signing,
      public_key: webhook.publicKey ?? null,
      has_secret: webhook.hasSecret,
      secret_readable: webhook.isSecretReadable,
      external_id: webhook.externalId ?? null,
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
  orgId: OrgId,
  id: WebhookId,
  columns: UpdateObject<Database, "webhooks">,
  nowMs: number,
): Promise<boolean> {
  const written = await transaction
    .updateTable("webhooks")
    .set((row) => ({ ...columns, version: row("version", "+", 1) }))
    .where("id", "=", id)
    .where("org_id", "=", orgId)
    .where("deleted_at", "is", null)
    .returning("version")
    .executeTakeFirst();
  if (written === undefined) return false;
  await recordChange(transaction, { kind: "webhook", orgId, id }, written.version, nowMs);
  return true;
}

/** Another replica may be at it: what it has locked is left to it. Nobody sees the difference but the data plane. */
async function purgeSecrets(transaction: Transaction<Database>, nowMs: number): Promise<number> {
  const rows = await transaction
    .selectFrom("webhooks")
    .select(["id", "org_id", ...SECRET_COLUMNS])
    .where("deleted_at", "is", null)
    .where(sql<SqlBool>`cardinality(sealed_secrets) > 1 and ${new Date(nowMs)} >= any (secret_expiries)`)
    .limit(PURGED_AT_ONCE_MAX)
    .forUpdate()
    .skipLocked()
    .execute();
  for (const row of rows) {
    const id = stored(parseWebhookId(row.id), "webhooks.id");
    const remaining = secretColumns(unexpired(storedSecrets(row), nowMs));
    await write(transaction, storedOrgId(row.org_id), id, remaining, nowMs);
  }
  return rows.length;
}

function present(db: Kysely<Database>, org: OrgId, id: WebhookId) {
  return db.selectFrom("webhooks").where("id", "=", id).where("org_id", "=", org).where("deleted_at", "is", null);
}

async function find(db: Kysely<Database>, org: OrgId, id: WebhookId): Promise<Webhook | undefined> {
  const query = shownWebhooks(db).where("webhooks.id", "=", id).where("webhooks.org_id", "=", org);
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : shownWebhook(row);
}

async function foundAfterWrite(transaction: Transaction<Database>, org: OrgId, id: WebhookId): Promise<Webhook> {
  const webhook = await find(transaction, org, id);
  if (webhook === undefined) throw new Error("a webhook is not there after it was written");
  return webhook;
}
