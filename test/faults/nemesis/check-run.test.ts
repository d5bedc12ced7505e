import { deliveryIdOf, type EventId, type WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import type { AcceptedEvent } from "./accepted-file.ts";
import type { Act } from "./act-log.ts";
import { checkRun, type RunRecords } from "./check-run.ts";
import type { RecordedDelivery } from "./read-history.ts";
import type { Hit, ReceivedDelivery } from "./receivers.ts";

const EVENT = "01a1feae-e296-7d6c-bca9-6df6e5095abd" as EventId;
const WEBHOOK = "01a1feae-e0a9-7c19-83eb-419b336bf44a" as WebhookId;
const DELIVERY = deliveryIdOf(EVENT, WEBHOOK);
const PATH = "/load/0/0";
const AT_MS = 1_000_000;
const ACCEPTED: AcceptedEvent = { number: 1, eventId: EVENT, type: "load.event", webhookIds: [WEBHOOK] };

const hit = (afterMs: number, answer: Hit["answer"] = 200): Hit => ({ atMs: AT_MS + afterMs, answer });
const attempt = (afterMs: number, statusCode: number | null = 200) => ({
  startedAtMs: AT_MS + afterMs - 1,
  durationMs: 5,
  statusCode,
});
const act = (kind: Act["kind"], target: string, fromMs: number, untilMs: number): Act => ({
  kind,
  target,
  fromMs: AT_MS + fromMs,
  untilMs: AT_MS + untilMs,
});

type Changes = {
  readonly accepted?: readonly AcceptedEvent[];
  /** Undefined: the receiver got nothing. */
  readonly received?: Partial<ReceivedDelivery> | undefined;
  /** Undefined: history does not know the delivery. */
  readonly recorded?: Partial<RecordedDelivery> | undefined;
  readonly marked?: number;
  readonly acceptedTwice?: readonly string[];
  readonly acts?: readonly Act[];
  readonly stored?: readonly string[];
};

/** One event, delivered at once, unless the changes say otherwise. */
function recordsWith(changes: Changes = {}): RunRecords {
  const received = { path: PATH, number: 1, bodyHash: "a", hits: [hit(0)], differing: 0 };
  const recorded: RecordedDelivery = {
    id: DELIVERY,
    status: "delivered",
    reason: null,
    attemptCount: 1,
    repeatedAttempts: 0,
    attempts: [attempt(0)],
  };
  const isReceived = !("received" in changes) || changes.received !== undefined;
  const isRecorded = !("recorded" in changes) || changes.recorded !== undefined;
  return {
    accepted: changes.accepted ?? [ACCEPTED],
    received: new Map(isReceived ? [[DELIVERY, { ...received, ...changes.received }]] : []),
    history: {
      deliveries: new Map(isRecorded ? [[DELIVERY, { ...recorded, ...changes.recorded }]] : []),
      marked: new Map(changes.marked === undefined ? [] : [[DELIVERY, changes.marked]]),
      acceptedTwice: changes.acceptedTwice ?? [],
    },
    acts: changes.acts ?? [],
    stored: new Set(changes.stored ?? [EVENT]),
    pathOf: new Map([[WEBHOOK, PATH]]),
  };
}

const kindsOf = (changes: Changes) => checkRun(recordsWith(changes)).findings.map(({ kind }) => kind);

describe("a clean run", () => {
  it("has every delivery where it belongs", () => {
    expect(checkRun(recordsWith())).toMatchObject({
      events: 1,
      deliveries: 1,
      delivered: 1,
      repeats: [],
      findings: [],
    });
  });

  it("has retries in its history", () => {
    const received = { hits: [hit(0, 500), hit(1_000, "hang"), hit(3_000)] };
    const attempts = [attempt(0, 500), { ...attempt(1_000, null), durationMs: 1_000 }, attempt(3_000)];
    expect(kindsOf({ received, recorded: { attempts, attemptCount: 3 } })).toEqual([]);
  });

  it("may have a request that was read long after its sender had given it up", () => {
    const received = { hits: [hit(20_000), hit(30_000)] };
    const attempts = [{ ...attempt(0, null), durationMs: 5_000 }, attempt(30_000)];
    expect(kindsOf({ received, recorded: { attempts, attemptCount: 2 } })).toEqual([]);
  });

  it("may end a delivery with a reason", () => {
    const recorded = { status: "cancelled", reason: "webhook_deleted", attempts: [], attemptCount: 0 };
    const verdict = checkRun(recordsWith({ received: undefined, recorded }));
    expect(verdict).toMatchObject({ delivered: 0, findings: [] });
    expect([...verdict.ended]).toEqual([["cancelled (webhook_deleted)", 1]]);
  });
});

describe("a finding", () => {
  const pending = { status: "scheduled", attempts: [], attemptCount: 0 };
  it.each<[string, Changes, string[]]>([
    ["nothing arrived and nobody knows of it", { received: undefined, recorded: undefined }, ["lost"]],
    [
      "nothing arrived, nobody knows of it, and it is not in its stream any more",
      { received: undefined, recorded: undefined, stored: [] },
      ["lost by the stream"],
    ],
    [
      "nothing arrived, though it was matched before its stream lost it",
      { received: undefined, recorded: pending, stored: [] },
      ["lost"],
    ],
    ["nothing arrived and it still waits", { received: undefined, recorded: pending }, ["lost"]],
    ["history says delivered, and it never arrived", { received: undefined }, ["lost"]],
    [
      "it only failed",
      { received: { hits: [hit(0, 500)] }, recorded: { status: "scheduled", attempts: [attempt(0, 500)] } },
      ["lost"],
    ],
    ["history does not know what arrived", { recorded: undefined }, ["history differs"]],
    ["history has another end", { recorded: { status: "scheduled" } }, ["history differs"]],
    ["history misses an attempt", { recorded: { attemptCount: 2 } }, ["history differs"]],
    [
      "history has an answer that nobody gave",
      { recorded: { attempts: [attempt(0), attempt(9_000, 500)], attemptCount: 2 } },
      ["history differs"],
    ],
    ["a request without an event", { accepted: [] }, ["stranger"]],
    ["other bytes under the same id", { received: { differing: 1 } }, ["differing request"]],
    ["another event's data", { received: { number: 2 } }, ["strayed"]],
    ["another webhook's receiver", { received: { path: "/load/1/0" } }, ["strayed"]],
    ["one publish, two events", { acceptedTwice: ["faults-1"] }, ["accepted twice"]],
  ])("is that %s", (_title, changes, kinds) => {
    expect(kindsOf(changes)).toEqual(kinds);
  });
});

describe("a repeat", () => {
  const twice = { received: { hits: [hit(0), hit(70_000)] }, recorded: { attempts: [attempt(70_000)] }, marked: 1 };
  const repeatOf = (changes: Changes) => checkRun(recordsWith(changes)).repeats[0];

  it("is explained when it was in flight as the dispatcher died", () => {
    const acts = [act("kill", "dispatcher", 500, 3_000)];
    expect(kindsOf({ ...twice, acts })).toEqual([]);
    expect(repeatOf({ ...twice, acts })).toMatchObject({ explanation: { as: "in flight" }, isReported: true });
  });

  it("is explained when the broker forgot the acknowledgement", () => {
    const forgotten = { ...twice, recorded: { attempts: [attempt(0)], repeatedAttempts: 1 } };
    const acts = [act("kill", "nats", 900, 2_000)];
    expect(repeatOf({ ...forgotten, acts })).toMatchObject({ explanation: { as: "ack forgotten" } });
  });

  it("is explained when the receiver broke a kept connection", () => {
    const redone = { received: { hits: [hit(0, "reset"), hit(4)] }, marked: 1 };
    expect(repeatOf(redone)).toMatchObject({ explanation: { kind: "redone" }, isReported: true });
    expect(kindsOf(redone)).toEqual([]);
  });

  it("is explained when the receiver broke it after an attempt that failed", () => {
    const hits = [hit(0, 500), hit(1_000, "reset"), hit(1_004)];
    const redone = { received: { hits }, recorded: { attempts: [attempt(0, 500), attempt(1_002)], attemptCount: 2 } };
    expect(repeatOf({ ...redone, marked: 1 })).toMatchObject({ explanation: { kind: "redone" } });
  });

  it("is explained when it hung until its sender died", () => {
    const hung = { ...twice, received: { hits: [hit(0, "hang"), hit(70_000)] } };
    expect(kindsOf({ ...hung, acts: [act("kill", "dispatcher", 4_500, 6_000)] })).toEqual([]);
    expect(kindsOf({ ...twice, acts: [act("kill", "dispatcher", 4_500, 6_000)] })).toEqual(["unexplained repeat"]);
  });

  it("is explained when it hung for longer than its sender, asked to end, waited for it", () => {
    const hung = { ...twice, received: { hits: [hit(0, "hang"), hit(70_000)] } };
    const askedToEnd = (fromMs: number) => [act("restart", "dispatcher", fromMs, fromMs + 7_000)];
    expect(kindsOf({ ...hung, acts: askedToEnd(3) })).toEqual([]);
    expect(kindsOf({ ...hung, acts: askedToEnd(-900) })).toEqual([]);
    expect(kindsOf({ ...twice, acts: askedToEnd(3) })).toEqual(["unexplained repeat"]);
    expect(kindsOf({ ...hung, acts: askedToEnd(1_500) })).toEqual(["unexplained repeat"]);
    expect(kindsOf({ ...hung, acts: askedToEnd(-1_500) })).toEqual(["unexplained repeat"]);
  });

  it("is none when the delivery ended with it", () => {
    const recorded = { status: "cancelled", reason: "webhook_deleted", attempts: [], attemptCount: 0 };
    expect(repeatOf({ received: { hits: [hit(0, 500)] }, recorded })).toBeUndefined();
    expect(repeatOf({ received: { hits: [hit(0, 500), hit(9_000, 500)] }, recorded })).toBeDefined();
  });

  it.each<[string, readonly Act[]]>([
    ["nothing happened", []],
    ["it happened long before", [act("kill", "dispatcher", -60_000, -58_000)]],
    ["it happened long after", [act("kill", "dispatcher", 9_000, 11_000)]],
    ["the dispatcher was asked to end", [act("restart", "dispatcher", 100, 3_000)]],
    ["somebody else died", [act("kill", "projector", 100, 3_000)]],
  ])("is not explained when %s", (_title, acts) => {
    expect(kindsOf({ ...twice, acts })).toEqual(["unexplained repeat"]);
  });

  it("is not silent: the delivery says so", () => {
    const acts = [act("freeze", "dispatcher", 100, 3_000)];
    const silent = { received: twice.received, recorded: twice.recorded, acts };
    expect(kindsOf(silent)).toEqual(["unreported repeat"]);
    expect(kindsOf({ ...silent, recorded: { ...twice.recorded, repeatedAttempts: 1 } })).toEqual([]);
  });
});
