import { deliveryIdOf } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type MatchTerms, matchEvent } from "./match-event.ts";
import { ACCEPTED_AT_MS, eventId, orgId, placed, webhookId } from "./matcher.fixture.ts";
import type { Subscription } from "./subscription.ts";

const TERMS: MatchTerms = { configRevision: 42, inlineBytesMax: 100, nowMs: ACCEPTED_AT_MS + 3 };
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

const active: Subscription = { webhookId: webhookId(1), profile: "znyx", isActive: true };
const paused: Subscription = { webhookId: webhookId(2), profile: "standard", isActive: false };

function entries(subscriptions: readonly Subscription[], event = placed()) {
  return [...matchEvent({ ...event, subscriptions, traceparent: TRACEPARENT }, TERMS)];
}

describe("an event that matches", () => {
  it("creates a delivery and its first attempt", () => {
    const source = placed();
    const deliveryId = deliveryIdOf(eventId(1), webhookId(1));
    const identity = { orgId: orgId(1), eventId: eventId(1), webhookId: webhookId(1), deliveryId };
    const { type, timestamp, acceptedAtMs, callerId, traceparent } = source.event;
    expect(entries([active], source)).toEqual([
      {
        log: {
          ...identity,
          kind: "delivery.created",
          atMs: TERMS.nowMs,
          profile: "znyx",
          event: { type, timestamp, acceptedAtMs, callerId, place: source.place, traceparent },
        },
        item: {
          ...identity,
          eventType: "agent.status",
          acceptedAtMs: ACCEPTED_AT_MS,
          attempt: 1,
          release: 0,
          configRevision: 42,
          profile: "znyx",
          possibleRepeat: false,
          place: source.place,
          event: source.event,
          traceparent: TRACEPARENT,
        },
      },
    ]);
  });

  it("records a paused webhook as skipped, without work", () => {
    const [created, skipped] = entries([active, paused]);
    expect(created?.log.kind).toBe("delivery.created");
    expect(skipped?.log).toMatchObject({
      kind: "delivery.skipped",
      webhookId: webhookId(2),
      reason: "webhook_inactive",
    });
    expect(skipped?.item).toBeUndefined();
  });

  it("says that the work may be a repeat when its message may be one", () => {
    const [entry] = entries([active], placed({}, true));
    expect(entry?.item?.possibleRepeat).toBe(true);
  });

  it("carries a payload up to the bound, and above it only where it is stored", () => {
    const [small] = entries([active], placed({ data: Buffer.alloc(100) }));
    const [large] = entries([active], placed({ data: Buffer.alloc(101) }));
    expect(small?.item?.event).toBeDefined();
    expect(large?.item).toMatchObject({ event: undefined, place: placed().place });
  });

  it("gives the same delivery the same id however often it is matched", () => {
    const [first] = entries([active], placed());
    const [again] = entries([active], placed({}, true));
    expect(again?.item?.deliveryId).toBe(first?.item?.deliveryId);
  });
});

describe("an event that nobody wants", () => {
  it("leaves a line that says so", () => {
    const [entry, ...more] = entries([]);
    expect(entry?.log).toMatchObject({
      kind: "event.unmatched",
      orgId: orgId(1),
      eventId: eventId(1),
      atMs: TERMS.nowMs,
    });
    expect(entry?.item).toBeUndefined();
    expect(more).toEqual([]);
  });
});
