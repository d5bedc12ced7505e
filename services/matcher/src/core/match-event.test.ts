import { deliveryIdOf, type EvaluateFilter, limits } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type Entry, type MatchTerms, matchEvent } from "./match-event.ts";
import { ACCEPTED_AT_MS, eventId, orgId, PASSES, placed, subscription, webhookId } from "./matcher.fixture.ts";
import type { Subscription } from "./subscription.ts";

const TERMS: MatchTerms = { configRevision: 42, inlineBytesMax: 100, nowMs: ACCEPTED_AT_MS + 3 };
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

const active = subscription({ profile: "znyx" });
const paused = subscription({ webhookId: webhookId(2), isActive: false });

type Line = Extract<Entry, { kind: "line" }>;

function entries(subscriptions: readonly Subscription[], event = placed(), evaluate = PASSES): Line[] {
  return allEntries(subscriptions, event, evaluate).filter((entry) => entry.kind === "line");
}

function allEntries(subscriptions: readonly Subscription[], event = placed(), evaluate = PASSES): Entry[] {
  return [...matchEvent({ ...event, subscriptions, evaluate, traceparent: TRACEPARENT }, TERMS)];
}

describe("an event that matches", () => {
  it("creates a delivery and its first attempt", () => {
    const source = placed();
    const deliveryId = deliveryIdOf(eventId(1), webhookId(1));
    const identity = { orgId: orgId(1), eventId: eventId(1), webhookId: webhookId(1), deliveryId };
    const { type, timestamp, acceptedAtMs, callerId, traceparent } = source.event;
    expect(entries([active], source)).toEqual([
      {
        kind: "line",
        log: {
          ...identity,
          kind: "delivery.created",
          atMs: TERMS.nowMs,
          profile: "znyx",
          eventTypePrefix: "",
          origin: { kind: "match" },
          hold: undefined,
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
          messageId: deliveryId,
          eventTypePrefix: "",
          isOnly: false,
          terms: undefined,
          followers: [],
          mayHaveBeenSent: false,
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

  it("marks work that may have been made before, and tells whether it may be in flight", () => {
    const marksOf = (mayBeRepeat: boolean, wasInHand: boolean) => {
      const [line] = entries([active], placed({}, mayBeRepeat, wasInHand));
      return [line?.item?.possibleRepeat, line?.item?.mayHaveBeenSent];
    };
    expect(marksOf(true, false)).toEqual([true, false]);
    expect(marksOf(true, true)).toEqual([true, true]);
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

describe("a webhook that does not take things as they come", () => {
  it.each([
    [{ rateLimit: 50 }, "rate_limited"],
    [{ ordered: true }, "ordered"],
    [{ ordered: true, rateLimit: 50 }, "ordered"],
  ] as const)("with %j gets a delivery that is born parked, and no work", (changes, hold) => {
    const [entry, ...more] = entries([subscription(changes)]);
    expect(entry?.log).toMatchObject({ kind: "delivery.created", hold });
    expect(entry?.item).toBeUndefined();
    expect(more).toEqual([]);
  });

  it("with a prefix for types has it in its history and its work", () => {
    const [entry] = entries([subscription({ profile: "github-dispatch", eventTypePrefix: "posthorn-" })]);
    expect(entry?.log).toMatchObject({ eventTypePrefix: "posthorn-" });
    expect(entry?.item?.eventTypePrefix).toBe("posthorn-");
  });
});

describe("a webhook with a filter", () => {
  const filtered = subscription({ webhookId: webhookId(3), filter: "f" });

  it("gets what the filter lets through", () => {
    const asked: string[] = [];
    const evaluate: EvaluateFilter = (filter) => {
      asked.push(filter);
      return { kind: "passes" };
    };
    expect(entries([filtered], placed(), evaluate)[0]?.log.kind).toBe("delivery.created");
    expect(asked).toEqual(["f"]);
  });

  it.each([[{ kind: "fails" }], [{ kind: "error", message: "field not found: x" }]] as const)(
    "leaves no trace of what it keeps away, while others get it (%j)",
    (verdict) => {
      const lines = entries([filtered, active], placed(), () => verdict);
      expect(lines.map(({ log }) => "webhookId" in log && log.webhookId)).toEqual([webhookId(1)]);
    },
  );

  it("can be why nobody wanted an event", () => {
    expect(entries([filtered], placed(), () => ({ kind: "fails" })).map(({ log }) => log.kind)).toEqual([
      "event.unmatched",
    ]);
  });

  it("says that it took time, and nobody else does", () => {
    expect(allEntries([filtered, active]).map(({ kind }) => kind)).toEqual(["evaluated", "line", "line"]);
  });
});

describe("an event that has come through too many deliveries", () => {
  it("is skipped as a loop", () => {
    const [entry] = entries([active], placed({ hops: limits.HOPS_MAX }));
    expect(entry?.log).toMatchObject({ kind: "delivery.skipped", reason: "loop" });
    expect(entry?.item).toBeUndefined();
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
