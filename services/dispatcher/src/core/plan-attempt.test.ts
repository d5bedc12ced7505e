import {
  type DeliveryId,
  type EventId,
  limits,
  type OrgId,
  type WebhookConfig,
  type WebhookId,
  type WorkItem,
} from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type AttemptPlan, planAttempt, type WebhookLookup } from "./plan-attempt.ts";

const ACCEPTED_MS = 1_000_000;

const webhook: WebhookConfig = {
  kind: "webhook",
  id: "w" as WebhookId,
  orgId: "o" as OrgId,
  url: "https://example.com/",
  patterns: ["*"],
  profile: "standard",
  timeoutMs: undefined,
  retryDelaysS: undefined,
  isActive: true,
  sealedSecrets: [],
};

const item: WorkItem = {
  deliveryId: "d" as DeliveryId,
  orgId: webhook.orgId,
  webhookId: webhook.id,
  eventId: "e" as EventId,
  eventType: "agent.status",
  acceptedAtMs: ACCEPTED_MS,
  attempt: 1,
  release: 0,
  configRevision: 1,
  profile: "standard",
  possibleRepeat: false,
  place: { epochMs: 1, sequence: 1, index: 0 },
  event: undefined,
  traceparent: "",
};

const horizonMs = ACCEPTED_MS + limits.DELIVERY_HORIZON_MS;
const present = (changes: Partial<WebhookConfig> = {}): WebhookLookup => ({
  kind: "present",
  webhook: { ...webhook, ...changes },
});

describe("planAttempt", () => {
  it.each<[string, WebhookLookup, number, AttemptPlan]>([
    ["sends to an active webhook", present(), ACCEPTED_MS, { kind: "send", webhook }],
    ["cancels for a deleted webhook", { kind: "deleted" }, ACCEPTED_MS, { kind: "cancel", reason: "webhook_deleted" }],
    ["waits while the configuration cannot tell", { kind: "absent" }, ACCEPTED_MS, { kind: "wait" }],
    ["never crosses organisations", present({ orgId: "other" as OrgId }), ACCEPTED_MS, { kind: "wait" }],
    [
      "parks for a paused webhook",
      present({ isActive: false }),
      horizonMs - 1,
      { kind: "defer", reason: "webhook_inactive" },
    ],
    ["ends at the horizon", present(), horizonMs, { kind: "exhaust", reason: "expired" }],
    ["does not wait past the horizon", { kind: "absent" }, horizonMs, { kind: "exhaust", reason: "expired" }],
    [
      "ends at the horizon for a paused webhook too",
      present({ isActive: false }),
      horizonMs,
      { kind: "exhaust", reason: "expired" },
    ],
  ])("%s", (_title, lookup, nowMs, expected) => {
    expect(planAttempt(item, lookup, nowMs)).toEqual(expected);
  });
});
