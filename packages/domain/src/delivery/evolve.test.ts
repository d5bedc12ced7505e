import { describe, expect, it } from "vitest";
import {
  ACCEPTED_AT_MS,
  attempt,
  cancelled,
  created,
  deferred,
  exhausted,
  failed,
  recordedAtMs,
  skipped,
  stateAfter,
  succeeded,
} from "./delivery.fixture.ts";
import { stateOfWork } from "./delivery-state.ts";
import { evolve } from "./evolve.ts";

const LATER_MS = ACCEPTED_AT_MS + 60_000;
const ANOTHER = { startedAtMs: LATER_MS, dispatcher: "dispatcher-2" };

describe("evolve", () => {
  it.each([
    ["unknown", []],
    ["pending", [created]],
    ["scheduled", [created, failed(1, LATER_MS)]],
    ["parked", [created, deferred(1, 1)]],
    ["parked", [created, failed(1, LATER_MS), deferred(2, 1)]],
    ["scheduled", [created, deferred(1, 1), failed(1, LATER_MS)]],
    ["delivered", [created, succeeded(1)]],
    ["delivered", [created, failed(1, LATER_MS), succeeded(2)]],
    ["exhausted", [created, failed(1, undefined), exhausted("attempts_exhausted", 1)]],
    ["exhausted", [created, exhausted("expired", 1)]],
    ["exhausted", [created, failed(1, LATER_MS), exhausted("expired", 2)]],
    ["exhausted", [created, failed(1, LATER_MS), deferred(2, 1), exhausted("expired", 2)]],
    ["cancelled", [created, failed(1, LATER_MS), cancelled]],
    ["skipped", [skipped]],
  ])("is %s after %#", (kind, events) => {
    expect(stateAfter(events).kind).toBe(kind);
  });

  it("keeps what a reader of the state needs", () => {
    expect(stateAfter([created, deferred(1, 1, LATER_MS)])).toMatchObject({
      reason: "webhook_inactive",
      notBeforeMs: LATER_MS,
      progress: { attemptCount: 0, release: 1 },
    });
    expect(stateAfter([created, failed(1, LATER_MS)])).toMatchObject({
      nextAtMs: LATER_MS,
      progress: {
        attemptCount: 1,
        lastAttempt: {
          startedAtMs: attempt(1).startedAtMs,
          dispatcher: "dispatcher-1",
          statusCode: 500,
          failure: { errorClass: "status", message: "receiver answered 500" },
        },
      },
    });
    expect(stateAfter([created, failed(1, LATER_MS), succeeded(2)])).toMatchObject({
      completedAtMs: recordedAtMs(2),
      progress: { attemptCount: 2, lastAttempt: { statusCode: 200, failure: undefined } },
    });
    expect(stateAfter([created, exhausted("expired", 1, LATER_MS)])).toMatchObject({
      completedAtMs: LATER_MS,
      reason: "expired",
    });
  });

  it("takes an outcome before the creation that it belongs to", () => {
    expect(stateAfter([succeeded(1), created])).toEqual(stateAfter([created, succeeded(1)]));
    expect(stateAfter([failed(1, LATER_MS), created])).toEqual(stateAfter([created, failed(1, LATER_MS)]));
  });

  it("lets the first outcome of an attempt win", () => {
    const first = stateAfter([created, failed(1, LATER_MS)]);
    expect(evolve(first, succeeded(1, ANOTHER))).toEqual({
      ...first,
      progress: { ...first.progress, repeatedAttempts: 1 },
    });
    const delivered = stateAfter([created, succeeded(1)]);
    expect(evolve(delivered, failed(1, LATER_MS, ANOTHER))).toEqual({
      ...delivered,
      progress: { ...delivered.progress, repeatedAttempts: 1 },
    });
  });

  it("goes on when the repeat of an attempt, but not the attempt, ended the delivery", () => {
    const repeat = [failed(1, undefined, ANOTHER), exhausted("gone", 1)];
    const scheduled = [created, failed(1, LATER_MS)];
    expect(stateAfter([...scheduled, ...repeat])).toMatchObject({ kind: "scheduled", nextAtMs: LATER_MS });
    expect(stateAfter([...scheduled, deferred(2, 1), ...repeat]).kind).toBe("parked");
    expect(stateAfter([...scheduled, failed(2, LATER_MS), ...repeat]).kind).toBe("scheduled");
  });

  it("counts a repeat by its start or its process, and not the same record twice", () => {
    const once = [created, failed(1, LATER_MS)];
    const repeats = (...events: Parameters<typeof evolve>[1][]) =>
      stateAfter([...once, ...events]).progress.repeatedAttempts;
    expect(repeats(failed(1, LATER_MS))).toBe(0);
    expect(repeats(failed(1, LATER_MS, { startedAtMs: LATER_MS }))).toBe(1);
    expect(repeats(failed(1, LATER_MS, { dispatcher: "dispatcher-2" }))).toBe(1);
    expect(repeats(failed(1, LATER_MS, ANOTHER), succeeded(2), succeeded(2, ANOTHER))).toBe(2);
  });

  it("does not call an attempt a repeat that was in flight when the delivery ended", () => {
    const ended = stateAfter([created, cancelled]);
    expect(evolve(ended, succeeded(1))).toEqual(ended);
    const endedLater = stateAfter([created, failed(1, LATER_MS), cancelled]);
    expect(evolve(endedLater, failed(2, undefined))).toEqual(endedLater);
  });

  it("ignores deferrals of the past", () => {
    const parked = stateAfter([created, failed(1, LATER_MS), deferred(2, 2, LATER_MS)]);
    expect(evolve(parked, deferred(2, 1))).toEqual(parked);
    expect(evolve(parked, deferred(2, 2))).toEqual(parked);
    expect(evolve(parked, deferred(1, 3))).toEqual(parked);
  });
});

describe("stateOfWork", () => {
  it("lets the outcome of the item's own attempt count, and no earlier one", () => {
    const state = stateOfWork(3, 2);
    expect(evolve(state, succeeded(3)).kind).toBe("delivered");
    expect(evolve(state, succeeded(2)).kind).toBe("pending");
  });
});
