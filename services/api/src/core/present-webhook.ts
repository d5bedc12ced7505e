/** A webhook as JSON: its settings, defaults filled in, and how its receiver has been doing. */

import { maskUrl, type OrgId, profileOf, type WebhookHealth, type WebhookId } from "@posthorn/domain";
import { MASK } from "./custom-headers.ts";
import { instant, instantOrNull } from "./instant.ts";
import { hasOptions } from "./profile-options.ts";
import type { Signing } from "./signing.ts";
import type { WebhookSettings } from "./webhook-settings.ts";

export type Webhook = WebhookSettings & {
  readonly id: WebhookId;
  readonly orgId: OrgId;
  readonly url: string;
  readonly patterns: readonly string[];
  /** Of `github-dispatch`. */
  readonly eventTypePrefix: string;
  readonly hasToken: boolean;
  /** Of the custom headers; their values only the signer knows. */
  readonly headerNames: readonly string[];
  readonly signing: Signing;
  /** Of `ed25519`: what receivers verify with. */
  readonly publicKey: string | undefined;
  /** Why the engine took it out of service. */
  readonly disabledReason: string | undefined;
  /** Whether its receiver was told a secret. */
  readonly hasSecret: boolean;
  /** The id that its creator chose. */
  readonly externalId: string | undefined;
  readonly health: WebhookHealth;
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
    filter: webhook.filter ?? null,
    description: webhook.description ?? null,
    profile: webhook.profile,
    profile_options: hasOptions(webhook.profile) ? presentOptions(webhook) : null,
    headers: Object.fromEntries(webhook.headerNames.map((name) => [name, MASK])),
    timeout_ms: webhook.timeoutMs ?? profileOf(webhook.profile).timeoutMs,
    retry_schedule_s: webhook.retryDelaysS === undefined ? null : [...webhook.retryDelaysS],
    rate_limit: webhook.rateLimit ?? null,
    ordered: webhook.ordered,
    signing: webhook.signing,
    public_key: webhook.publicKey ?? null,
    is_active: webhook.isActive,
    disabled_reason: webhook.disabledReason ?? null,
    has_secret: webhook.hasSecret,
    health: presentHealth(webhook),
    created_at: instant(webhook.createdAtMs),
    updated_at: instant(webhook.updatedAtMs),
  };
}

function presentOptions({ hasToken, eventTypePrefix }: Webhook) {
  return { token: hasToken ? MASK : null, event_type_prefix: eventTypePrefix };
}

function presentHealth({ isActive, health }: Webhook) {
  return {
    state: healthState(isActive, health),
    last_attempt_at: instantOrNull(health.lastAttemptAtMs),
    last_status_code: health.lastStatusCode ?? null,
    last_error_class: health.lastErrorClass ?? null,
    consecutive_failures: health.consecutiveFailures,
    circuit: health.circuit.kind,
  };
}

type HealthState = "unknown" | "healthy" | "failing" | "disabled";

/** What an operator sees first: a webhook that gets nothing is neither well nor ill. */
function healthState(isActive: boolean, health: WebhookHealth): HealthState {
  if (!isActive) return "disabled";
  if (health.lastAttemptAtMs === undefined) return "unknown";
  return health.consecutiveFailures === 0 ? "healthy" : "failing";
}
