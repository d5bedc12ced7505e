/** Rows of configuration as the values that the bucket holds: the newest version, or the tombstone of what is gone. */

import type { ApiKeysTable, Database, OrganisationsTable, WebhooksTable } from "@posthorn/database";
import { type ConfigValue, parseApiKeyId, parseScope, parseWebhookId } from "@posthorn/domain";
import type { ConfigKey } from "@posthorn/message-bus";
import type { Kysely } from "kysely";
import { stored, storedOrgId, storedProfile } from "./stored.ts";

export type BucketEntry = { readonly key: ConfigKey; readonly value: ConfigValue };
export type ConfigKind = ConfigKey["kind"];

export type ConfigEntries = {
  /** What is stored under these ids now. */
  read(kind: ConfigKind, ids: readonly string[]): Promise<readonly BucketEntry[]>;
  /** Everything of a kind in the order of ids, in pages. */
  all(kind: ConfigKind): AsyncIterable<readonly BucketEntry[]>;
};

export const CONFIG_KINDS: readonly ConfigKind[] = ["organisation", "api-key", "webhook"];

const PAGE_ROWS = 500;
/** Below every id that is given out. */
const LOWEST_ID = "00000000-0000-0000-0000-000000000000";

type Choice = { readonly ids: readonly string[] } | { readonly after: string };

export function openConfigEntries(db: Kysely<Database>): ConfigEntries {
  const entriesOf = (kind: ConfigKind, choice: Choice): Promise<readonly BucketEntry[]> => {
    switch (kind) {
      case "organisation":
        return organisationEntries(db, choice);
      case "api-key":
        return apiKeyEntries(db, choice);
      case "webhook":
        return webhookEntries(db, choice);
      default:
        return kind satisfies never;
    }
  };
  return {
    read: (kind, ids) => entriesOf(kind, { ids }),
    all: async function* (kind) {
      let after = LOWEST_ID;
      for (;;) {
        const page = await entriesOf(kind, { after });
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE_ROWS) return;
        after = last.key.id;
      }
    },
  };
}

async function organisationEntries(db: Kysely<Database>, choice: Choice): Promise<readonly BucketEntry[]> {
  const query = db.selectFrom("organisations").selectAll();
  const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
  const rows = await chosen.orderBy("id").limit(PAGE_ROWS).execute();
  return rows.map(organisationEntry);
}

async function apiKeyEntries(db: Kysely<Database>, choice: Choice): Promise<readonly BucketEntry[]> {
  const query = db.selectFrom("api_keys").selectAll();
  const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
  const rows = await chosen.orderBy("id").limit(PAGE_ROWS).execute();
  return rows.map(apiKeyEntry);
}

async function webhookEntries(db: Kysely<Database>, choice: Choice): Promise<readonly BucketEntry[]> {
  const query = db.selectFrom("webhooks").selectAll();
  const chosen = "ids" in choice ? query.where("id", "in", choice.ids) : query.where("id", ">", choice.after);
  const rows = await chosen.orderBy("id").limit(PAGE_ROWS).execute();
  return rows.map(webhookEntry);
}

function organisationEntry({ id, version }: OrganisationsTable): BucketEntry {
  const orgId = storedOrgId(id);
  const entry = { kind: "organisation", id: orgId } as const;
  return { key: { kind: "organisation", orgId, id }, value: { kind: "present", version, entry } };
}

function apiKeyEntry(row: ApiKeysTable): BucketEntry {
  const { version } = row;
  const key: ConfigKey = { kind: "api-key", orgId: row.org_id, id: row.id };
  if (row.revoked_at !== null) return { key, value: { kind: "deleted", version } };
  const entry = {
    kind: "api-key",
    id: stored(parseApiKeyId(row.id), "api_keys.id"),
    orgId: storedOrgId(row.org_id),
    hash: row.hash.toString("hex"),
    scope: stored(parseScope(row.scope), "api_keys.scope"),
  } as const;
  return { key, value: { kind: "present", version, entry } };
}

function webhookEntry(row: Omit<WebhooksTable, "created_at" | "updated_at" | "description">): BucketEntry {
  const { version } = row;
  const key: ConfigKey = { kind: "webhook", orgId: row.org_id, id: row.id };
  if (row.deleted_at !== null) return { key, value: { kind: "deleted", version } };
  const entry = {
    kind: "webhook",
    id: stored(parseWebhookId(row.id), "webhooks.id"),
    orgId: storedOrgId(row.org_id),
    url: row.url,
    patterns: row.patterns,
    profile: storedProfile(row.profile),
    timeoutMs: row.timeout_ms ?? undefined,
    retryDelaysS: row.retry_delays_s ?? undefined,
    isActive: row.is_active,
    sealedSecrets: row.sealed_secrets,
  } as const;
  return { key, value: { kind: "present", version, entry } };
}
