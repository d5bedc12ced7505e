import { limits, type WorkItem } from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import type { FenceAnswer } from "../io/fence.ts";
import { another, answered, dispatcher, item, message, NOW_MS, ok, timedOut, webhook } from "./dispatch.fixture.ts";
import type { Sent } from "./send-request.ts";

describe("a work item", () => {
  it("is acknowledged when its outcome is in the log, and not before", async () => {
    const { promise: isLogged, resolve } = Promise.withResolvers<void>();
    const { dispatch } = dispatcher({ log: { append: () => isLogged } });
    const taken = message();
    const done = dispatch(taken);
    await new Promise((settled) => setImmediate(settled));
    expect(taken.isAcked).toBe(false);
    resolve();
    await done;
    expect(taken.isAcked).toBe(true);
  });

  it("stays unacknowledged when its outcome cannot be logged", async () => {
    const { dispatch } = dispatcher({ log: { append: () => Promise.reject(new Error("closed")) } });
    const taken = message();
    await expect(dispatch(taken)).rejects.toThrow("closed");
    expect(taken).toMatchObject({ isAcked: false, givenBackAfterMs: undefined });
  });

  it("is planned anew in place when signing took too long, and not handed back as a repeat of itself", async () => {
    const { dispatch, requests, logged } = dispatcher({ sends: [{ kind: "reconsider" }, ok] });
    const taken = message();
    await dispatch(taken);
    expect(requests.map((request) => request.possibleRepeat)).toEqual([false, false]);
    expect(logged.map(({ kind }) => kind)).toEqual(["attempt.succeeded"]);
    expect(taken).toMatchObject({ isAcked: true, givenBackAfterMs: undefined });
  });

  it.each<[string, Partial<TakenMessage>, FenceAnswer, boolean]>([
    ["was handed out before", { isRedelivered: true, mayBeRepeat: true }, "open", true],
    ["only waited while nobody looked", { mayBeRepeat: true }, "open", false],
    ["could not be looked up", { mayBeRepeat: true }, "unknown", true],
  ])("that %s is sent with possibleRepeat accordingly", async (_title, changes, fenceSays, expected) => {
    const { dispatch, requests } = dispatcher({ fenceSays });
    await dispatch(message(changes));
    expect(requests.map((request) => request.possibleRepeat)).toEqual([expected]);
  });

  it("is marked when it was parked after somebody else had it in hand", async () => {
    const { dispatch, logged } = dispatcher({ sends: [{ kind: "unsignable", refusal: "unsealable" }] });
    await dispatch(message({ isRedelivered: true, mayBeRepeat: true }));
    expect(logged.at(-1)).toMatchObject({ kind: "delivery.deferred", mayHaveBeenSent: true });
    const released = dispatcher({});
    await released.dispatch(message(), another({ mayHaveBeenSent: true }));
    expect(released.requests.map((request) => request.possibleRepeat)).toEqual([true]);
  });

  it("is looked up when it is a copy of one in hand, after that one's end", async () => {
    const { promise: sent, resolve } = Promise.withResolvers<Sent>();
    const lookUps: string[] = [];
    const { dispatch, logged } = dispatcher({
      sendRequest: () => sent,
      fence: {
        lookUp: async () => {
          lookUps.push(`after ${logged.length} outcomes`);
          return "settled";
        },
      },
    });
    const [first, copy] = [message(), message()];
    const done = [dispatch(first), dispatch(copy)];
    await new Promise((settled) => setImmediate(settled));
    expect(lookUps).toEqual([]);
    resolve(ok);
    await Promise.all(done);
    expect(lookUps).toEqual(["after 1 outcomes"]);
    expect([first.isAcked, copy.isAcked]).toEqual([true, true]);
  });

  it.each<[string, Sent, number | undefined]>([
    ["handed back when it is no longer ours", { kind: "not_sent", reason: "lease_lost" }, 0],
    ["handed back when the process stops before its request", { kind: "not_sent", reason: "stopping" }, 0],
    ["left to its lease when the process stops under its request", { kind: "aborted" }, undefined],
  ])("is %s, and nothing is logged", async (_title, sent, givenBackAfterMs) => {
    const { dispatch, logged } = dispatcher({ sends: [sent] });
    const taken = message();
    await dispatch(taken);
    expect(taken).toMatchObject({ isAcked: false, givenBackAfterMs });
    expect(logged).toEqual([]);
  });

  it("is handed back while its payload cannot be read, and ends when the payload is gone", async () => {
    const unavailable = dispatcher({ payloads: { read: async () => ({ kind: "unavailable" }) } });
    const waits = message();
    await unavailable.dispatch(waits);
    expect(waits).toMatchObject({ isAcked: false, givenBackAfterMs: 1_000 });
    const gone = dispatcher({ payloads: { read: async () => ({ kind: "gone" }) } });
    const ends = message();
    await gone.dispatch(ends);
    expect(ends.isAcked).toBe(true);
    expect(gone.logged).toMatchObject([{ kind: "delivery.exhausted", reason: "payload_gone" }]);
  });
});

describe("what cannot be signed", () => {
  it("is parked for a while", async () => {
    const { dispatch, logged } = dispatcher({ sends: [{ kind: "unsignable", refusal: "no_secret" }] });
    const taken = message();
    await dispatch(taken);
    expect(taken.isAcked).toBe(true);
    expect(logged).toMatchObject([
      { kind: "delivery.deferred", reason: "unsignable", notBeforeMs: NOW_MS + 300_000, attempt: 1, release: 1 },
    ]);
  });
});

describe("a receiver that is gone", () => {
  it("disables the webhook in the same log message, by the version that was judged, and once", async () => {
    const judged: number[] = [];
    const plan = () => ({ kind: "send", webhook, version: 7 }) as const;
    const disable = (_webhook: unknown, version: number) => judged.push(version) === 1;
    const { dispatch, appended } = dispatcher({
      sends: [answered(410), answered(410)],
      configuration: { reached: async () => {}, plan, disable },
    });
    await dispatch(message());
    await dispatch(message(), another());
    expect(judged).toEqual([7, 7]);
    expect(appended.map((events) => events.map(({ kind }) => kind))).toEqual([
      ["attempt.failed", "delivery.exhausted", "webhook.disabled"],
      ["attempt.failed", "delivery.exhausted"],
    ]);
    expect(appended[0]?.[2]).toMatchObject({ reason: "gone", configVersion: 7, webhookId: webhook.id });
  });
});

describe("a circuit", () => {
  const probe = (circuitsClosed: number): WorkItem =>
    another({ terms: { isProbe: true, circuitsClosed, slot: undefined } });

  it("opens with the outcome that opens it, and parks what was let in before", async () => {
    const { dispatch, appended, requests } = dispatcher({ sends: Array.from({ length: 5 }, () => timedOut) });
    for (let sent = 0; sent < 5; sent++) await dispatch(message(), another());
    expect(appended.at(-1)).toMatchObject([
      { kind: "attempt.failed" },
      { kind: "delivery.exhausted" },
      { kind: "circuit.opened", generation: 1, webhookId: webhook.id, orgId: webhook.orgId, atMs: NOW_MS },
    ]);
    const late = message();
    await dispatch(late, another());
    expect(requests).toHaveLength(5);
    expect(appended.at(-1)).toMatchObject([
      { kind: "delivery.deferred", reason: "circuit_open", notBeforeMs: NOW_MS, release: 1 },
    ]);
    expect(late.isAcked).toBe(true);
  });

  it("stops what waits for its connection when it opens", async () => {
    const silences = Array.from({ length: 5 }, () => timedOut);
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    const sends = [...silences];
    const { dispatch, logged } = dispatcher({
      sendRequest: async (request) => {
        if (request.item === item) {
          await waits;
          expect(await request.mayLeave()).toBe("reconsider");
          return { kind: "reconsider" };
        }
        expect(await request.mayLeave()).toBe("yes");
        return sends.shift() ?? ok;
      },
    });
    const waiting = dispatch(message());
    for (let sent = 0; sent < 5; sent++) await dispatch(message(), another());
    resolve();
    await waiting;
    expect(logged.at(-1)).toMatchObject({ kind: "delivery.deferred", reason: "circuit_open" });
  });

  it("lets a probe through, and closes by what it finds", async () => {
    const sends = [...Array.from({ length: 5 }, () => timedOut), answered(503), ok, ok];
    const { dispatch, logged, gates } = dispatcher({ sends });
    for (let sent = 0; sent < 5; sent++) await dispatch(message(), another());
    await dispatch(message(), probe(0));
    expect(gates.circuitsOpen).toBe(1);
    expect(logged.filter(({ kind }) => kind === "circuit.closed")).toEqual([]);
    await dispatch(message(), probe(0));
    expect(gates.circuitsOpen).toBe(0);
    expect(logged.at(-1)).toMatchObject({ kind: "circuit.closed", generation: 1 });
    await dispatch(message(), another());
    expect(logged.at(-1)).toMatchObject({ kind: "attempt.succeeded" });
  });

  it("that another dispatcher opened is closed by a probe here", async () => {
    const { dispatch, appended } = dispatcher({ sends: [ok] });
    await dispatch(message(), probe(3));
    expect(appended).toMatchObject([[{ kind: "attempt.succeeded" }, { kind: "circuit.closed", generation: 4 }]]);
  });

  it("is not closed by a probe that failed where it never was open", async () => {
    const { dispatch, gates, logged } = dispatcher({ sends: [timedOut] });
    gates.tell(webhook.id, 4);
    await dispatch(message(), probe(3));
    expect(logged.map(({ kind }) => kind)).toEqual(["attempt.failed", "delivery.exhausted"]);
  });
});

describe("an item that fails the dispatcher itself", () => {
  const failing = { payloads: { read: () => Promise.reject(new Error("bug")) } };

  it("comes again twice, then its delivery ends", async () => {
    const { dispatch, logged } = dispatcher(failing);
    const taken = message();
    await expect(dispatch(taken)).rejects.toThrow("bug");
    await expect(dispatch(taken)).rejects.toThrow("bug");
    expect(taken.isAcked).toBe(false);
    await dispatch(taken);
    expect(taken.isAcked).toBe(true);
    expect(logged).toMatchObject([
      { kind: "attempt.failed", errorClass: "unrepresentable", attempt: { number: 1 }, nextAtMs: undefined },
      { kind: "delivery.exhausted", reason: "unrepresentable" },
    ]);
  });

  it("parks those that were to come after it", async () => {
    const { dispatch, logged } = dispatcher(failing);
    const its = another({ followers: [another()] });
    for (let time = 0; time < 2; time++) await expect(dispatch(message(), its)).rejects.toThrow("bug");
    await dispatch(message(), its);
    expect(logged.at(-1)).toMatchObject({ kind: "delivery.deferred", reason: "ordered" });
  });
});

describe("parking", () => {
  it("ends what is past its horizon", async () => {
    const { park, logged } = dispatcher({});
    const old = another({ acceptedAtMs: NOW_MS - limits.DELIVERY_HORIZON_MS });
    await park({ message: message(), item: old }, "receiver_slow");
    expect(logged).toMatchObject([{ kind: "delivery.exhausted", reason: "expired" }]);
  });

  it("ends what is for a webhook that is gone: it would be released at once, and parked again, for ever", async () => {
    const { park, logged } = dispatcher({
      configuration: {
        reached: async () => {},
        plan: () => ({ kind: "cancel", reason: "webhook_deleted" }),
        disable: () => false,
      },
    });
    const taken = message();
    await park({ message: taken, item }, "circuit_open");
    expect(logged).toMatchObject([{ kind: "delivery.cancelled", reason: "webhook_deleted" }]);
    expect(taken.isAcked).toBe(true);
  });

  it("of a copy of what is under way waits for the outcome, so that nobody releases it a second time", async () => {
    const { promise: sent, resolve } = Promise.withResolvers<Sent>();
    const { dispatch, park, logged } = dispatcher({ sendRequest: () => sent });
    const underWay = dispatch(message());
    const copy = message({ isRedelivered: true, mayBeRepeat: true });
    const parked = park({ message: copy, item }, "receiver_slow");
    await new Promise((settled) => setImmediate(settled));
    expect(logged).toEqual([]);
    resolve(ok);
    await Promise.all([underWay, parked]);
    expect(logged.map(({ kind }) => kind)).toEqual(["attempt.succeeded", "delivery.deferred"]);
    expect(copy.isAcked).toBe(true);
  });

  it("says nothing of what is somebody else's by now", async () => {
    const { park, logged } = dispatcher({});
    const lost = message({ leaseEndsAtMs: () => 0 });
    await park({ message: lost, item }, "receiver_slow");
    expect(logged).toEqual([]);
    expect(lost.isAcked).toBe(false);
  });
});
