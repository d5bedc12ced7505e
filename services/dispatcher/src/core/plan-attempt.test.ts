import {
  type DeliveryId,
  type EventId,
  limits,
  type OrgId,
  type ReleaseTerms,
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
  messageId: "d" as DeliveryId,
  eventTypePrefix: "",
  isOnly: false,
  terms: undefined,
  followers: [],
  mayHaveBeenSent: false,
};

const horizonMs = ACCEPTED_MS + limits.DELIVERY_HORIZON_MS;
const present = (changes: Partial<WebhookConfig> = {}): WebhookLookup => ({
  kind: "present",
  webhook: { ...webhook, ...changes },
  version: 7,
  isDisabledHere: false,
});
const send: AttemptPlan = { kind: "send", webhook, version: 7 };

describe("planAttempt", () => {
  it.each<[string, WebhookLookup, number, AttemptPlan]>([
    ["sends to an active webhook", present(), ACCEPTED_MS, send],
    ["cancels for a deleted webhook", { kind: "deleted" }, ACCEPTED_MS, { kind: "cancel", reason: "webhook_deleted" }],
    ["waits while the configuration cannot tell", { kind: "absent" }, ACCEPTED_MS, { kind: "wait" }],
    ["never crosses organisations", present({ orgId: "other" as OrgId }), ACCEPTED_MS, { kind: "wait" }],
    [
      "parks for a paused webhook",
      present({ isActive: false }),
      horizonMs - 1,
      { kind: "defer", reason: "webhook_inactive" },
    ],
    [
      "cancels for a webhook that the engine disabled",
      present({ isActive: false, disabledByEngine: true }),
      ACCEPTED_MS,
      { kind: "cancel", reason: "webhook_disabled" },
    ],
    [
      "cancels for a webhook that this process found gone",
      { ...present(), isDisabledHere: true } as WebhookLookup,
      ACCEPTED_MS,
      { kind: "cancel", reason: "webhook_disabled" },
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
    expect(planAttempt(item, lookup, false, nowMs)).toEqual(expected);
  });

  it.each<[string, WebhookLookup]>([
    ["an active webhook", present()],
    ["a paused one", present({ isActive: false })],
    ["one that nothing is known of", { kind: "absent" }],
  ])("sends a deleted payload to nobody: %s", (_title, lookup) => {
    expect(planAttempt(item, lookup, true, horizonMs)).toEqual({ kind: "cancel", reason: "payload_deleted" });
  });
});

describe("what the scheduler alone releases", () => {
  const slot = { fromMs: ACCEPTED_MS, untilMs: ACCEPTED_MS + 50 };
  const terms = (changes: Partial<ReleaseTerms> = {}): ReleaseTerms => ({
    isProbe: false,
    circuitsClosed: 0,
    slot: undefined,
    ...changes,
  });
  const parked = (reason: "rate_limited" | "ordered"): AttemptPlan => ({ kind: "defer", reason });
  const limited = present({ rateLimit: 10 });
  const ordered = present({ ordered: true });

  it.each<[string, WebhookLookup, ReleaseTerms | undefined, number, AttemptPlan["kind"] | AttemptPlan]>([
    ["a first attempt at a limited webhook is parked", limited, undefined, ACCEPTED_MS, parked("rate_limited")],
    ["a retry without a slot is parked", limited, terms(), ACCEPTED_MS, parked("rate_limited")],
    ["in its slot it is sent", limited, terms({ slot }), slot.fromMs, "send"],
    ["at the end of its slot, too", limited, terms({ slot }), slot.untilMs, "send"],
    ["after its slot it is parked again", limited, terms({ slot }), slot.untilMs + 1, parked("rate_limited")],
    ["a slot is nothing to a webhook without a limit", present(), terms({ slot }), slot.untilMs + 1, "send"],
    ["a probe needs no slot", limited, terms({ isProbe: true }), ACCEPTED_MS, "send"],
    ["a first attempt at an ordered webhook is parked", ordered, undefined, ACCEPTED_MS, parked("ordered")],
    ["a released one is sent", ordered, terms(), ACCEPTED_MS, "send"],
  ])("%s", (_title, lookup, itsTerms, nowMs, expected) => {
    const plan = planAttempt({ ...item, terms: itsTerms }, lookup, false, nowMs);
    expect(typeof expected === "string" ? plan.kind : plan).toEqual(expected);
  });
});
