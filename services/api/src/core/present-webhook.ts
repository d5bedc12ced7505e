/** A webhook as JSON: its settings, defaults filled in, and how its receiver has been doing. */

import { maskUrl, type OrgId, type ProfileName, profileOf, type WebhookHealth, type WebhookId } from "@posthorn/domain";
import { instant, instantOrNull } from "./instant.ts";

export type Webhook = {
  readonly id: WebhookId;
  readonly orgId: OrgId;
  readonly url: string;
  readonly patterns: readonly string[];
  readonly description: string | undefined;
  readonly profile: ProfileName;
  /** Undefined: the profile's. */
  readonly timeoutMs: number | undefined;
  /** Undefined: the profile's. */
  readonly retryDelaysS: readonly number[] | undefined;
  readonly isActive: boolean;
  readonly hasSecret: boolean;
  /** Undefined: nothing was sent yet. */
  readonly health: WebhookHealth | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** `masked`: without the values of the URL's query, which often are tokens. */
export type UrlView = "whole" | "masked";

export function presentWebhook(webhook: Webhook, urlView: UrlView) {
  return {
    id: webhook.id,
    org_id: webhook.orgId,
    url: urlView === "whole" ? webhook.url : maskUrl(webhook.url),
    events: [...webhook.patterns],
    filter: null,
    description: webhook.description ?? null,
    profile: webhook.profile,
    profile_options: null,
    headers: {},
    timeout_ms: webhook.timeoutMs ?? profileOf(webhook.profile).timeoutMs,
    retry_schedule_s: webhook.retryDelaysS === undefined ? null : [...webhook.retryDelaysS],
    rate_limit: null,
    ordered: false,
    signing: "hmac" as const,
    is_active: webhook.isActive,
    disabled_reason: null,
    has_secret: webhook.hasSecret,
    health: presentHealth(webhook),
    created_at: instant(webhook.createdAtMs),
    updated_at: instant(webhook.updatedAtMs),
  };
}

function presentHealth({ isActive, health }: Webhook) {
  return {
    state: healthState(isActive, health),
    last_attempt_at: instantOrNull(health?.lastAttemptAtMs),
    last_status_code: health?.lastStatusCode ?? null,
    last_error_class: health?.lastErrorClass ?? null,
    consecutive_failures: health?.consecutiveFailures ?? 0,
    circuit: "closed" as const,
  };
}

type HealthState = "unknown" | "healthy" | "failing" | "disabled";

/** What an operator sees first: a webhook that gets nothing is neither well nor ill. */
function healthState(isActive: boolean, health: WebhookHealth | undefined): HealthState {
  if (!isActive) return "disabled";
  if (health === undefined) return "unknown";
  return health.consecutiveFailures === 0 ? "healthy" : "failing";
}
