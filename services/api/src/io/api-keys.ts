/** API keys in Postgres, known by their hashes only. */

import type { Database } from "@posthorn/database";
import { type ApiKeyId, type OrgId, parseApiKeyId, parseScope, type Scope } from "@posthorn/domain";
import type { Kysely, Transaction } from "kysely";
import { type Page, pageOf } from "../core/cursor.ts";
import type { ApiKey } from "../core/present-api-key.ts";
import type { Alongside } from "./alongside.ts";
import { olderThan, type PageRequest } from "./list-order.ts";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { millisecondsOf, stored, storedOrgId } from "./stored.ts";

export type NewApiKey = {
  readonly id: ApiKeyId;
  readonly orgId: OrgId;
  readonly name: string;
  readonly scope: Scope;
  readonly hash: Buffer;
  readonly createdAtMs: number;
};

export type KeyOwner = { readonly id: ApiKeyId; readonly orgId: OrgId; readonly scope: Scope };

export type ApiKeys = {
  insert(key: NewApiKey, alongside: Alongside): Promise<void>;
  list(org: OrgId, page: PageRequest): Promise<Page<ApiKey>>;
  /** False when the organisation has no such key. One that is revoked already stays as it is. */
  revoke(org: OrgId, id: ApiKeyId, nowMs: number, alongside: Alongside): Promise<boolean>;
  /** Undefined when the key is unknown or revoked. */
  ownerOf(hash: Buffer): Promise<KeyOwner | undefined>;
  noteUse(ids: readonly ApiKeyId[], atMs: number): Promise<void>;
};

export function openApiKeys(db: Kysely<Database>): ApiKeys {
  return {
    insert: (key, alongside) =>
      db.transaction().execute(async (transaction) => {
        const { id, orgId, name, scope, hash } = key;
        const created_at = new Date(key.createdAtMs);
        const row = { id, org_id: orgId, name, scope, hash, created_at, version: FIRST_VERSION };
        await transaction.insertInto("api_keys").values(row).execute();
        await recordChange(transaction, { kind: "api-key", orgId, id }, FIRST_VERSION, key.createdAtMs);
        await alongside(transaction);
      }),

    list: async (org, { limit, cursor }) => {
      let query = db
        .selectFrom("api_keys")
        .select(["id", "name", "scope", "created_at", "last_used_at", "revoked_at"])
        .where("org_id", "=", org);
      if (cursor !== undefined) query = query.where(olderThan("api_keys", cursor));
      const rows = await query
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(apiKeyOf), limit, (key) => key);
    },

    revoke: (org, id, nowMs, alongside) =>
      db.transaction().execute((transaction) => revoke(transaction, { org, id, nowMs, alongside })),

    ownerOf: async (hash) => {
      const row = await db
        .selectFrom("api_keys")
        .select(["id", "org_id", "scope"])
        .where("hash", "=", hash)
        .where("revoked_at", "is", null)
        .executeTakeFirst();
      return row === undefined ? undefined : { ...identityOf(row), orgId: storedOrgId(row.org_id) };
    },

    noteUse: async (ids, atMs) => {
      const usedAt = new Date(atMs);
      await db.updateTable("api_keys").set({ last_used_at: usedAt }).where("id", "in", ids).execute();
    },
  };
}

type Revocation = {
  readonly org: OrgId;
  readonly id: ApiKeyId;
  readonly nowMs: number;
  readonly alongside: Alongside;
};

async function revoke(transaction: Transaction<Database>, { org, id, nowMs, alongside }: Revocation): Promise<boolean> {
  const revoked = await transaction
    .updateTable("api_keys")
    .set((row) => ({ revoked_at: new Date(nowMs), version: row("version", "+", 1) }))
    .where("id", "=", id)
    .where("org_id", "=", org)
    .where("revoked_at", "is", null)
    .returning("version")
    .executeTakeFirst();
  if (revoked !== undefined) {
    await recordChange(transaction, { kind: "api-key", orgId: org, id }, revoked.version, nowMs);
    await alongside(transaction);
    return true;
  }
  const known = transaction.selectFrom("api_keys").select("id").where("id", "=", id).where("org_id", "=", org);
  return (await known.executeTakeFirst()) !== undefined;
}

function identityOf(row: { readonly id: string; readonly scope: string }) {
  return { id: stored(parseApiKeyId(row.id), "api_keys.id"), scope: stored(parseScope(row.scope), "api_keys.scope") };
}

type ApiKeyRow = {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
};

function apiKeyOf(row: ApiKeyRow): ApiKey {
  return {
    ...identityOf(row),
    name: row.name,
    createdAtMs: row.created_at.getTime(),
    lastUsedAtMs: millisecondsOf(row.last_used_at),
    revokedAtMs: millisecondsOf(row.revoked_at),
  };
}
