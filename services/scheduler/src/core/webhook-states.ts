/** What the configuration bucket says of the webhooks, as far as releases and operational events depend on it. */

import {
  type ConfigValue,
  type OrgId,
  parseOrgId,
  parseWebhookId,
  patternMatches,
  type WebhookConfig,
  type WebhookId,
} from "@posthorn/domain";
import type { KnownWebhook, WebhookFacts } from "./lane-mode.ts";

/** The first token of every operational event's type. Patterns match it only when they spell it out. */
export const OPERATIONAL_TOKEN = "posthorn";

type Seen = {
  readonly version: number;
  readonly known: KnownWebhook;
  /** When this process first saw this version. */
  readonly seenAtMs: number;
};

export class WebhookStates {
  readonly #seen = new Map<string, Seen>();
  /** Patterns for operational events, of active webhooks. */
  readonly #operational = new Map<OrgId, Map<WebhookId, readonly string[]>>();

  /** @param key as in the bucket; other kinds are passed over. */
  apply(key: string, value: ConfigValue, nowMs: number): void {
    const [kind, org = "", id = ""] = key.split(".");
    const [orgId, webhookId] = [parseOrgId(org), parseWebhookId(id)];
    if (kind !== "webhook" || orgId === undefined || webhookId === undefined) return;
    const before = this.#seen.get(key);
    if (before !== undefined && before.version >= value.version) return;
    this.#seen.set(key, { version: value.version, known: knownFrom(value), seenAtMs: nowMs });
    this.#subscribe(orgId, webhookId, operationalPatterns(value));
  }

  clear(): void {
    this.#seen.clear();
    this.#operational.clear();
  }

  get(org: OrgId, webhook: WebhookId): KnownWebhook {
    return this.#seen.get(keyOf(org, webhook))?.known ?? { kind: "unknown" };
  }

  /** When this process first saw the webhook as it is configured now. */
  seenAtMs(org: OrgId, webhook: WebhookId): number {
    return this.#seen.get(keyOf(org, webhook))?.seenAtMs ?? 0;
  }

  /** Does anybody at all want to hear of operations? */
  get hasOperationalSubscribers(): boolean {
    return this.#operational.size > 0;
  }

  isSubscribed(org: OrgId, operationalType: string): boolean {
    const subscriptions = [...(this.#operational.get(org)?.values() ?? [])];
    return subscriptions.some((patterns) => patterns.some((pattern) => patternMatches(pattern, operationalType)));
  }

  #subscribe(org: OrgId, webhook: WebhookId, patterns: readonly string[]): void {
    const ofOrganisation = this.#operational.get(org) ?? new Map<WebhookId, readonly string[]>();
    if (patterns.length > 0) ofOrganisation.set(webhook, patterns);
    else ofOrganisation.delete(webhook);
    if (ofOrganisation.size > 0) this.#operational.set(org, ofOrganisation);
    else this.#operational.delete(org);
  }
}

function keyOf(org: OrgId, webhook: WebhookId): string {
  return `webhook.${org}.${webhook}`;
}

function knownFrom(value: ConfigValue): KnownWebhook {
  if (value.kind === "deleted") return { kind: "deleted" };
  return value.entry.kind === "webhook"
    ? { kind: "present", webhook: factsOf(value.entry, value.version) }
    : { kind: "unknown" };
}

/** No more than is needed: there may be 100,000 of them. */
function factsOf(webhook: WebhookConfig, version: number): WebhookFacts {
  const { isActive, disabledByEngine, rateLimit, ordered } = webhook;
  return { isActive, disabledByEngine, rateLimit, ordered, version };
}

function operationalPatterns(value: ConfigValue): readonly string[] {
  if (value.kind === "deleted" || value.entry.kind !== "webhook" || !value.entry.isActive) return [];
  return value.entry.patterns.filter((pattern) => pattern.split(".")[0] === OPERATIONAL_TOKEN);
}
