import type { LogEvent, WorkItem } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { another, answered, dispatcher, message, ok } from "./dispatch.fixture.ts";
import type { Sent } from "./send-request.ts";

describe("an ordered run", () => {
  const run = (length: number): WorkItem => another({ followers: Array.from({ length: length - 1 }, () => another()) });
  const kinds = (events: readonly LogEvent[]) => events.map(({ kind }) => kind);

  it("is sent one after the other, each logged before the next leaves", async () => {
    const its = run(3);
    const { dispatch, requests, appended } = dispatcher({ sends: [ok, ok, ok] });
    const taken = message();
    await dispatch(taken, its);
    expect(requests.map((request) => request.item)).toEqual([its, ...its.followers]);
    expect(appended.map(kinds)).toEqual([["attempt.succeeded"], ["attempt.succeeded"], ["attempt.succeeded"]]);
    expect(taken.isAcked).toBe(true);
  });

  it("stops at the first failure, and parks the rest in the very same log message", async () => {
    const its = run(4);
    const { dispatch, requests, appended } = dispatcher({ sends: [ok, answered(500)] });
    const taken = message();
    await dispatch(taken, its);
    expect(requests).toHaveLength(2);
    expect(appended.map(kinds)).toEqual([
      ["attempt.succeeded"],
      ["attempt.failed", "delivery.exhausted", "delivery.deferred", "delivery.deferred"],
    ]);
    expect(appended[1]?.slice(2)).toMatchObject(
      its.followers.slice(1).map(({ deliveryId }) => ({ deliveryId, reason: "ordered", release: 1, attempt: 1 })),
    );
    expect(taken.isAcked).toBe(true);
  });

  it("stops without a word where its dispatcher stops, and stays unacknowledged", async () => {
    const { dispatch, appended } = dispatcher({ sends: [ok, { kind: "aborted" }] });
    const taken = message();
    await dispatch(taken, run(3));
    expect(appended.map(kinds)).toEqual([["attempt.succeeded"]]);
    expect(taken.isAcked).toBe(false);
  });

  it("goes on where it was left, item by item, and only one of them may have been sent before", async () => {
    const its = run(4);
    const { dispatch, requests } = dispatcher({ sends: [ok, ok], fenceSays: ["settled", "settled", "open", "open"] });
    const taken = message({ isRedelivered: true, mayBeRepeat: true });
    await dispatch(taken, its);
    expect(requests.map((request) => [request.item, request.possibleRepeat])).toEqual([
      [its.followers[1], true],
      [its.followers[2], false],
    ]);
    expect(taken.isAcked).toBe(true);
  });

  it("looks up what came as an item of its own meanwhile, and all that follows it", async () => {
    const { promise: sent, resolve } = Promise.withResolvers<Sent>();
    const its = run(3);
    const [second, third] = its.followers;
    const asked: (string | undefined)[] = [];
    const { dispatch } = dispatcher({
      sendRequest: ({ item: one }) => (one === second ? sent : Promise.resolve(ok)),
      fence: {
        lookUp: async (_partition, { deliveryId }) => {
          asked.push(deliveryId);
          return "settled";
        },
      },
    });
    const alone = dispatch(message(), second);
    const whole = dispatch(message(), its);
    await new Promise((settled) => setImmediate(settled));
    expect(asked).toEqual([]);
    resolve(ok);
    await Promise.all([alone, whole]);
    expect(asked).toEqual([second?.deliveryId, third?.deliveryId]);
  });

  it("rather waits than sends what may have been sent", async () => {
    const { dispatch, requests } = dispatcher({ webhook: { ordered: true }, fenceSays: "unknown" });
    const taken = message({ isRedelivered: true, mayBeRepeat: true });
    await dispatch(taken, run(3));
    expect(requests).toEqual([]);
    expect(taken).toMatchObject({ isAcked: false, givenBackAfterMs: 5_000 });
  });

  it("of a rate-limited webhook sends nothing before its slot", async () => {
    const startedAtMs = Date.now();
    const at = (ms: number) => {
      const slot = { fromMs: startedAtMs + ms, untilMs: startedAtMs + ms + 80 };
      return { terms: { isProbe: false, circuitsClosed: 0, slot } };
    };
    const leftAtMs: number[] = [];
    const { dispatch } = dispatcher({
      chance: { nowMs: Date.now, roll: () => 0.5 },
      sendRequest: async () => {
        leftAtMs.push(Date.now() - startedAtMs);
        return ok;
      },
    });
    const taken = message();
    await dispatch(taken, another({ ...at(0), followers: [another(at(60)), another(at(120))] }));
    expect(leftAtMs).toHaveLength(3);
    expect(leftAtMs[1]).toBeGreaterThanOrEqual(60);
    expect(leftAtMs[2]).toBeGreaterThanOrEqual(120);
    expect(taken.isAcked).toBe(true);
  });

  it("is parked as a whole", async () => {
    const its = run(3);
    const { park, appended } = dispatcher({});
    const taken = message();
    await park({ message: taken, item: its }, "circuit_open");
    expect(appended).toMatchObject([[{ reason: "circuit_open" }, { reason: "ordered" }, { reason: "ordered" }]]);
    expect(taken.isAcked).toBe(true);
  });
});
