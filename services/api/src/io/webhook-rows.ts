/** Rows of webhooks, read into what the core works with and written from it. */

import type { Database, Row } from "@posthorn/database";
import { parseWebhookId, type SealedSecret } from "@posthorn/domain";
import type { Kysely } from "kysely";
import type { ContentBefore, WebhookContent } from "../core/change-webhook.ts";
import type { Webhook } from "../core/present-webhook.ts";
import { SIGNINGS } from "../core/signing.ts";
import { type HealthColumns, stored, storedHealth, storedOrgId, storedProfile } from "./stored.ts";

const SHOWN_COLUMNS = [
  "webhooks.id",
  "webhooks.org_id",
  "webhooks.url",
  "webhooks.patterns",
  "webhooks.description",
  "webhooks.filter",
  "webhooks.profile",
  "webhooks.event_type_prefix",
  "webhooks.header_names",
  "webhooks.timeout_ms",
  "webhooks.retry_delays_s",
  "webhooks.rate_limit",
  "webhooks.ordered",
  "webhooks.signing",
  "webhooks.public_key",
  "webhooks.is_active",
  "webhooks.disabled_reason",
  "webhooks.has_secret",
  "webhooks.external_id",
  "webhooks.created_at",
  "webhooks.updated_at",
] as const;

type ShownColumn = (typeof SHOWN_COLUMNS)[number] extends `webhooks.${infer Name}` ? Name : never;

/** Webhooks that are not deleted. Without the ciphertexts: whoever shows webhooks has no use for them. */
export function shownWebhooks(db: Kysely<Database>) {
  return db
    .selectFrom("webhooks")
    .leftJoin("webhook_health as health", "health.webhook_id", "webhooks.id")
    .select(SHOWN_COLUMNS)
    .select((row) => [
      row("webhooks.sealed_token", "is not", null).$castTo<boolean>().as("has_token"),
      "health.last_attempt_at",
      "health.last_status_code",
      "health.last_error_class",
      "health.consecutive_failures",
      "health.failing_since",
      "health.congested_count",
      "health.circuit",
      "health.circuit_generation",
      "health.circuit_changed_at",
    ])
    .where("webhooks.deleted_at", "is", null);
}

export type ShownRow = Pick<Row<"webhooks">, ShownColumn & keyof Row<"webhooks">> &
  HealthColumns & { readonly has_token: boolean };

export function shownWebhook(row: ShownRow): Webhook {
  return {
    ...settingsOf(row),
    id: stored(parseWebhookId(row.id), "webhooks.id"),
    orgId: storedOrgId(row.org_id),
    url: row.url,
    patterns: row.patterns,
    eventTypePrefix: row.event_type_prefix,
    hasToken: row.has_token,
    headerNames: row.header_names,
    signing: storedSigning(row.signing),
    publicKey: row.public_key ?? undefined,
    disabledReason: row.disabled_reason ?? undefined,
    hasSecret: row.has_secret,
    externalId: row.external_id ?? undefined,
    health: storedHealth(row),
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

export function contentOf(row: Row<"webhooks">): ContentBefore {
  return {
    ...settingsOf(row),
    url: row.url,
    patterns: row.patterns,
    eventTypePrefix: row.event_type_prefix,
    sealedToken: row.sealed_token ?? undefined,
    headerNames: row.header_names,
    sealedHeaders: row.sealed_headers ?? undefined,
    disabledReason: row.disabled_reason ?? undefined,
    signing: storedSigning(row.signing),
  };
}

export function contentColumns(content: WebhookContent) {
  return {
    url: content.url,
    patterns: [...content.patterns],
    description: content.description ?? null,
    filter: content.filter ?? null,
    profile: content.profile,
    event_type_prefix: content.eventTypePrefix,
    sealed_token: content.sealedToken ?? null,
    header_names: [...content.headerNames],
    sealed_headers: content.sealedHeaders ?? null,
    timeout_ms: content.timeoutMs ?? null,
    retry_delays_s: content.retryDelaysS === undefined ? null : [...content.retryDelaysS],
    rate_limit: content.rateLimit ?? null,
    ordered: content.ordered,
    is_active: content.isActive,
    disabled_reason: content.disabledReason ?? null,
  };
}

export function secretColumns(secrets: readonly SealedSecret[]) {
  return {
    sealed_secrets: secrets.map(({ ciphertext }) => Buffer.from(ciphertext)),
    secret_expiries: secrets.map(({ signsUntilMs }) => (signsUntilMs === undefined ? null : new Date(signsUntilMs))),
  };
}

/** A deleted webhook keeps nothing that could be opened. */
export const NO_CIPHERTEXTS = { ...secretColumns([]), sealed_token: null, sealed_headers: null };

type SettingsRow = Pick<
  Row<"webhooks">,
  "description" | "filter" | "profile" | "timeout_ms" | "retry_delays_s" | "rate_limit" | "ordered" | "is_active"
>;

function settingsOf(row: SettingsRow) {
  return {
    description: row.description ?? undefined,
    filter: row.filter ?? undefined,
    profile: storedProfile(row.profile),
    timeoutMs: row.timeout_ms ?? undefined,
    retryDelaysS: row.retry_delays_s ?? undefined,
    rateLimit: row.rate_limit ?? undefined,
    ordered: row.ordered,
    isActive: row.is_active,
  };
}

function storedSigning(text: string) {
  return stored(
    SIGNINGS.find((signing) => signing === text),
    "webhooks.signing",
  );
}
