/** One row of configuration as the bucket holds it: a value, or a tombstone for what was deleted or revoked. */

import type { Row } from "@posthorn/database";
import {
  type ConfigEntry,
  type ConfigValue,
  parseApiKeyId,
  parseEventId,
  parseEventTypeId,
  parseScope,
  parseWebhookId,
} from "@posthorn/domain";
import type { ConfigKey } from "@posthorn/message-bus";
import { stored, storedOrgId, storedProfile, storedSecrets } from "./stored.ts";

export type BucketEntry = { readonly key: ConfigKey; readonly value: ConfigValue };

export function organisationEntry(row: Row<"organisations">): BucketEntry {
  const id = storedOrgId(row.id);
  const entry = { kind: "organisation", id, strictEventTypes: row.strict_event_types } as const;
  return present({ kind: "organisation", orgId: id, id }, row, entry);
}

export function apiKeyEntry(row: Row<"api_keys">): BucketEntry {
  const key: ConfigKey = { kind: "api-key", orgId: row.org_id, id: row.id };
  if (row.revoked_at !== null) return gone(key, row);
  return present(key, row, {
    kind: "api-key",
    id: stored(parseApiKeyId(row.id), "api_keys.id"),
    orgId: storedOrgId(row.org_id),
    hash: row.hash.toString("hex"),
    scope: stored(parseScope(row.scope), "api_keys.scope"),
  });
}

export function webhookEntry(row: Row<"webhooks">): BucketEntry {
  const key: ConfigKey = { kind: "webhook", orgId: row.org_id, id: row.id };
  if (row.deleted_at !== null) return gone(key, row);
  return present(key, row, {
    kind: "webhook",
    id: stored(parseWebhookId(row.id), "webhooks.id"),
    orgId: storedOrgId(row.org_id),
    url: row.url,
    patterns: row.patterns,
    profile: storedProfile(row.profile),
    timeoutMs: row.timeout_ms ?? undefined,
    retryDelaysS: row.retry_delays_s ?? undefined,
    isActive: row.is_active,
    disabledByEngine: !row.is_active && row.disabled_reason !== null,
    secrets: storedSecrets(row),
    legacySignsWith: row.legacy_signs_with,
    hasSecret: row.has_secret,
    filter: row.filter ?? undefined,
    eventTypePrefix: row.event_type_prefix,
    sealedToken: row.sealed_token ?? undefined,
    sealedHeaders: row.sealed_headers ?? undefined,
    rateLimit: row.rate_limit ?? undefined,
    ordered: row.ordered,
  });
}

export function eventTypeEntry(row: Row<"event_types">): BucketEntry {
  const key: ConfigKey = { kind: "event-type", orgId: row.org_id, id: row.id };
  if (row.deleted_at !== null) return gone(key, row);
  return present(key, row, {
    kind: "event-type",
    id: stored(parseEventTypeId(row.id), "event_types.id"),
    orgId: storedOrgId(row.org_id),
    name: row.name,
    schema: row.schema ?? undefined,
  });
}

export function payloadDeletionEntry(row: Row<"payload_deletions">): BucketEntry {
  const key: ConfigKey = { kind: "payload-deletion", orgId: row.org_id, id: row.event_id };
  if (row.deleted_at !== null) return gone(key, row);
  return present(key, row, {
    kind: "payload-deletion",
    id: stored(parseEventId(row.event_id), "payload_deletions.event_id"),
    orgId: storedOrgId(row.org_id),
  });
}

type Versioned = { readonly version: number };

function present(key: ConfigKey, { version }: Versioned, entry: ConfigEntry): BucketEntry {
  return { key, value: { kind: "present", version, entry } };
}

function gone(key: ConfigKey, { version }: Versioned): BucketEntry {
  return { key, value: { kind: "deleted", version } };
}
