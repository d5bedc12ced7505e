/** Organisations, webhooks and events in few words. For tests only. */

import {
  type AcceptedEvent,
  type ConfigValue,
  type EvaluateFilter,
  type EventId,
  type OrgId,
  parseEventId,
  parseOrgId,
  parseWebhookId,
  type WebhookConfig,
  type WebhookId,
} from "@posthorn/domain";
import type { PlacedEvent } from "./match-event.ts";
import type { Subscription } from "./subscription.ts";

export const ACCEPTED_AT_MS = Date.parse("2026-03-24T13:37:00Z");

export const orgId = (number: number): OrgId => parsed(parseOrgId(uuid(1, number)));
export const webhookId = (number: number): WebhookId => parsed(parseWebhookId(uuid(2, number)));
export const eventId = (number: number): EventId => parsed(parseEventId(uuid(3, number)));

export function webhook(changes: Partial<WebhookConfig> = {}): WebhookConfig {
  return {
    kind: "webhook",
    id: webhookId(1),
    orgId: orgId(1),
    url: "https://example.com/hook",
    patterns: ["*"],
    profile: "standard",
    timeoutMs: undefined,
    retryDelaysS: undefined,
    isActive: true,
    disabledByEngine: false,
    secrets: [],
    legacySignsWith: "old",
    hasSecret: true,
    filter: undefined,
    eventTypePrefix: "",
    sealedToken: undefined,
    sealedHeaders: undefined,
    rateLimit: undefined,
    ordered: false,
    ...changes,
  };
}

export function present(version: number, changes: Partial<WebhookConfig> = {}): ConfigValue {
  return { kind: "present", version, entry: webhook(changes) };
}

export function subscription(changes: Partial<Subscription> = {}): Subscription {
  return {
    webhookId: webhookId(1),
    profile: "standard",
    eventTypePrefix: "",
    isActive: true,
    filter: undefined,
    rateLimit: undefined,
    ordered: false,
    ...changes,
  };
}

/** Lets everything through. */
export const PASSES: EvaluateFilter = () => ({ kind: "passes" });

export function event(changes: Partial<AcceptedEvent> = {}): AcceptedEvent {
  return {
    id: eventId(1),
    orgId: orgId(1),
    type: "agent.status",
    timestamp: undefined,
    acceptedAtMs: ACCEPTED_AT_MS,
    data: Buffer.from('{"ok":true}'),
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    callerId: undefined,
    forWebhook: undefined,
    hops: 0,
    ...changes,
  };
}

export function placed(changes: Partial<AcceptedEvent> = {}, mayBeRepeat = false, wasInHand = false): PlacedEvent {
  return { event: event(changes), place: { epochMs: 7, sequence: 8, index: 9 }, mayBeRepeat, wasInHand };
}

function uuid(kind: number, number: number): string {
  return `00000000-0000-7000-800${kind}-${number.toString(16).padStart(12, "0")}`;
}

function parsed<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not a UUID");
  return id;
}
