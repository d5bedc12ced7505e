import {
  type DeliveryState,
  deliveryIdOf,
  limits,
  parseEventId,
  parseOrgId,
  parseWebhookId,
  UNKNOWN_DELIVERY,
} from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import type { Delivery } from "./present-delivery.ts";
import { afterRetry, type RetryCandidate, retryEvent, retryRefusal } from "./retry-decision.ts";

const NOW_MS = 1_774_359_420_000;
const progress = { ...UNKNOWN_DELIVERY.progress, attemptCount: 3, release: 1 };
const EXHAUSTED: DeliveryState = {
  kind: "exhausted",
  progress,
  completedAtMs: NOW_MS - 5,
  reason: "attempts_exhausted",
};

function scheduledAt(nextAtMs: number): DeliveryState {
  return { kind: "scheduled", progress, nextAtMs, isOnly: false };
}

const WAITING = { kind: "waiting" } as const;
const PARKED: DeliveryState = {
  kind: "parked",
  progress,
  reason: "circuit_open",
  notBeforeMs: NOW_MS,
  isOnly: false,
  mayHaveBeenSent: false,
};

function candidate(changes: Partial<RetryCandidate> = {}): RetryCandidate {
  return {
    state: EXHAUSTED,
    release: WAITING,
    isTest: false,
    acceptedAtMs: NOW_MS - 60_000,
    webhook: "present",
    ...changes,
  };
}

function id<Id>(parse: (text: string) => Id | undefined): Id {
  const parsed = parse("01890a5d-ac96-774b-bcce-b302099a8057");
  if (parsed === undefined) throw new Error("a malformed id");
  return parsed;
}
const eventId = id(parseEventId);
const webhookId = id(parseWebhookId);
const IDENTITY = { orgId: id(parseOrgId), eventId, webhookId, deliveryId: deliveryIdOf(eventId, webhookId) };

describe("one more attempt", () => {
  it.each<[string, Partial<RetryCandidate>]>([
    ["has ended", {}],
    ["is delivered", { state: { kind: "delivered", progress, completedAtMs: 1 } }],
    ["waits for a later moment", { state: scheduledAt(NOW_MS + 1) }],
    ["is parked", { state: PARKED }],
    ["was claimed by a scheduler that died", { state: PARKED, release: { kind: "claimed", untilMs: NOW_MS } }],
    ["has ended, with nothing to come", { release: { kind: "none" } }],
    ["is almost too old", { acceptedAtMs: NOW_MS - limits.DELIVERY_HORIZON_MS + 1 }],
  ])("is made of a delivery that %s", (_what, changes) => {
    expect(retryRefusal(candidate(changes), NOW_MS)).toBeUndefined();
  });

  it.each<[string, Partial<RetryCandidate>, string]>([
    ["is pending", { state: { kind: "pending", progress } }, "attempt-running"],
    ["is due now", { state: scheduledAt(NOW_MS) }, "attempt-running"],
    ["is being released", { state: PARKED, release: { kind: "claimed", untilMs: NOW_MS + 1 } }, "attempt-running"],
    ["was released", { state: PARKED, release: { kind: "none" } }, "attempt-running"],
    ["was a test", { isTest: true }, "test-delivery"],
    ["is too old", { acceptedAtMs: NOW_MS - limits.DELIVERY_HORIZON_MS }, "payload-expired"],
    ["lost its webhook", { webhook: "deleted" }, "webhook-deleted"],
    ["lost its webhook for good", { webhook: "unknown" }, "webhook-deleted"],
    ["has a disabled webhook", { webhook: "disabled" }, "webhook-disabled"],
  ])("is not made of a delivery that %s", (_what, changes, type) => {
    expect(retryRefusal(candidate(changes), NOW_MS)).toMatchObject({ status: 409, type });
  });

  it("begins an ended delivery again, once, with a work item of its own", () => {
    const event = retryEvent(IDENTITY, "root", EXHAUSTED, NOW_MS);
    expect(event).toEqual({
      ...IDENTITY,
      kind: "delivery.retried",
      atMs: NOW_MS,
      by: "root",
      attempt: 4,
      release: 2,
      isOnly: true,
    });
  });

  it("shows as scheduled for now", () => {
    const event = retryEvent(IDENTITY, "root", EXHAUSTED, NOW_MS);
    if (event === undefined) throw new Error("no event");
    const before = { status: "exhausted", reason: "expired", completedAtMs: 1, attemptCount: 3 } as unknown as Delivery;
    expect(afterRetry(before, EXHAUSTED, event)).toEqual({
      status: "scheduled",
      reason: undefined,
      completedAtMs: undefined,
      nextAttemptAtMs: NOW_MS,
      attemptCount: 3,
    });
  });
});
