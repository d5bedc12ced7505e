/**
 * Which webhooks an event goes to, by organisation: patterns compiled into one index each, kept up to date value by
 * value. An older version never replaces a newer one, in whatever order they come, and a tombstone is a version too.
 */

import { type ConfigValue, type OrgId, PatternIndex, type WebhookConfig, type WebhookId } from "@posthorn/domain";
import { ResultCache } from "./result-cache.ts";
import type { Subscription } from "./subscription.ts";
import type { WebhookKey } from "./webhook-key.ts";

export type Applied =
  | "applied"
  /** This version or a newer one is known already. */
  | "stale"
  /** The value does not belong under its key; taking it could show one tenant's events to another. */
  | "foreign";

type Held =
  | {
      readonly kind: "subscribed";
      readonly version: number;
      readonly subscription: Subscription;
      readonly patterns: readonly string[];
    }
  | { readonly kind: "deleted"; readonly version: number };

type Organisation = {
  readonly index: PatternIndex<Subscription>;
  readonly webhooks: Map<WebhookId, Held>;
  /** Moves on with every change that matching can see. */
  generation: number;
};

export class SubscriptionDirectory {
  readonly #organisations = new Map<OrgId, Organisation>();
  readonly #results = new ResultCache();
  #size = 0;

  /** Webhooks that are not deleted. */
  get size(): number {
    return this.#size;
  }

  apply(key: WebhookKey, value: ConfigValue): Applied {
    const next = heldAs(key, value);
    if (next === undefined) return "foreign";
    const organisation = this.#organisationOf(key.orgId);
    const held = organisation.webhooks.get(key.webhookId);
    if (held !== undefined && held.version >= next.version) return "stale";
    if (next.kind === "subscribed" && held?.kind === "subscribed" && matchesAlike(held, next)) {
      organisation.webhooks.set(key.webhookId, { ...held, version: next.version });
      return "applied";
    }
    organisation.webhooks.set(key.webhookId, next);
    if (held?.kind === "subscribed") this.#unsubscribe(organisation, held);
    if (next.kind === "subscribed") this.#subscribe(organisation, next);
    return "applied";
  }

  /** Each webhook once, however many of its patterns match; paused ones included. */
  webhooksFor(orgId: OrgId, type: string): readonly Subscription[] {
    const organisation = this.#organisations.get(orgId);
    if (organisation === undefined) return NONE;
    const { generation } = organisation;
    const known = this.#results.get(orgId, generation, type);
    if (known !== undefined) return known;
    const found = [...organisation.index.match(type)];
    this.#results.put(orgId, generation, type, found);
    return found;
  }

  clear(): void {
    this.#organisations.clear();
    this.#results.clear();
    this.#size = 0;
  }

  #organisationOf(orgId: OrgId): Organisation {
    const known = this.#organisations.get(orgId);
    if (known !== undefined) return known;
    const organisation: Organisation = { index: new PatternIndex(), webhooks: new Map(), generation: 0 };
    this.#organisations.set(orgId, organisation);
    return organisation;
  }

  #subscribe(organisation: Organisation, { subscription, patterns }: Extract<Held, { kind: "subscribed" }>): void {
    organisation.index.add(subscription, patterns);
    organisation.generation += 1;
    this.#size += 1;
  }

  #unsubscribe(organisation: Organisation, { subscription, patterns }: Extract<Held, { kind: "subscribed" }>): void {
    organisation.index.remove(subscription, patterns);
    organisation.generation += 1;
    this.#size -= 1;
  }
}

const NONE: readonly Subscription[] = [];

/** Undefined when the value does not belong under the key. */
function heldAs(key: WebhookKey, value: ConfigValue): Held | undefined {
  if (value.kind === "deleted") return { kind: "deleted", version: value.version };
  const { entry, version } = value;
  const isItsOwn = entry.kind === "webhook" && entry.orgId === key.orgId && entry.id === key.webhookId;
  if (!isItsOwn) return undefined;
  return { kind: "subscribed", version, subscription: subscriptionOf(key.webhookId, entry), patterns: entry.patterns };
}

/** @param webhookId the text that the directory keeps anyway: a copy in each webhook would cost 6 MB in 100,000. */
function subscriptionOf(webhookId: WebhookId, webhook: WebhookConfig): Subscription {
  const { profile, eventTypePrefix, isActive, filter, ordered, rateLimit } = webhook;
  return { webhookId, profile, eventTypePrefix, isActive, filter, ordered, rateLimit };
}

type Subscribed = Extract<Held, { kind: "subscribed" }>;

/** A new URL, secret or timeout changes nothing for matching, and must not cost the organisation its results. */
function matchesAlike(left: Subscribed, right: Subscribed): boolean {
  return contentOf(left) === contentOf(right);
}

/** Both were made by `subscriptionOf`, so their fields stand in one order. */
function contentOf({ subscription, patterns }: Subscribed): string {
  return JSON.stringify([subscription, patterns]);
}
