import { describe, expect, it } from "vitest";
import {
  ACCEPTED_AT_MS,
  attempt,
  bornParked,
  cancelled,
  cancelledIn,
  created,
  deferred,
  exhausted,
  failed,
  recordedAtMs,
  retried,
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
    ["exhausted", [created, failed(1, LATER_MS), deferred(2, 1), exhausted("expired", 2, LATER_MS, 1)]],
    ["cancelled", [created, failed(1, LATER_MS), cancelled]],
    ["skipped", [skipped]],
    ["parked", [bornParked]],
    ["delivered", [bornParked, succeeded(1)]],
    ["scheduled", [created, succeeded(1), retried(2, 1, true)]],
    ["delivered", [created, succeeded(1), retried(2, 1, true), succeeded(2)]],
    [
      "exhausted",
      [skipped, retried(1, 1, true), failed(1, undefined, {}, 1), exhausted("attempts_exhausted", 1, LATER_MS, 1)],
    ],
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

  it("begins an ended delivery again when somebody wants one more attempt, once", () => {
    const again = stateAfter([created, succeeded(1), retried(2, 1, true, LATER_MS)]);
    expect(again).toEqual({
      kind: "scheduled",
      progress: { ...stateAfter([created, succeeded(1)]).progress, release: 1 },
      nextAtMs: LATER_MS,
      isOnly: true,
    });
    expect(evolve(again, retried(2, 1, true, LATER_MS))).toBe(again);
    const done = evolve(again, succeeded(2));
    expect(evolve(done, retried(2, 1, true, LATER_MS))).toBe(done);
  });

  it("keeps in mind, while it is parked, that nothing follows from the attempt", () => {
    expect(stateAfter([created, succeeded(1), retried(2, 1, true), deferred(2, 2)])).toMatchObject({ isOnly: true });
    expect(stateAfter([created, deferred(1, 1)])).toMatchObject({ isOnly: false });
  });

  it("takes an end that is read again for the one before the last wish", () => {
    const again = stateAfter([created, cancelled, retried(1, 1, true)]);
    expect(evolve(again, cancelled)).toBe(again);
    expect(evolve(again, exhausted("expired", 1))).toBe(again);
    expect(evolve(again, cancelledIn(1)).kind).toBe("cancelled");
    expect(evolve(again, exhausted("expired", 1, LATER_MS, 1)).kind).toBe("exhausted");
  });

  it("takes an end that does not say its release for one of now", () => {
    const parked = stateAfter([created, deferred(1, 1)]);
    expect(evolve(parked, { ...cancelled, release: undefined }).kind).toBe("cancelled");
  });

  it("cancels what has no data any more, whatever it has been deferred or wanted since", () => {
    const deletion = { ...cancelled, reason: "payload_deleted" } as const;
    expect(stateAfter([created, deferred(1, 1), deletion])).toMatchObject({
      kind: "cancelled",
      reason: "payload_deleted",
    });
    expect(stateAfter([created, succeeded(1), retried(2, 1, true), deletion]).kind).toBe("cancelled");
    expect(stateAfter([created, succeeded(1), deletion]).kind).toBe("delivered");
  });

  it("leaves cancelled what has no data any more, whoever wants it, and however often that is read again", () => {
    const deletion = { ...cancelled, reason: "payload_deleted" } as const;
    const deleted = stateAfter([created, deletion]);
    expect(evolve(deleted, retried(1, 1, true))).toBe(deleted);
    expect(evolve(evolve(deleted, retried(1, 1, true)), deletion)).toBe(deleted);
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

  it("counts an attempt that was in flight when the delivery ended, and does not call it a repeat", () => {
    const ended = stateAfter([created, cancelled]);
    const counted = stateAfter([created, succeeded(1)]).progress;
    expect(evolve(ended, succeeded(1))).toEqual({ ...ended, progress: counted });
    const endedLater = stateAfter([created, failed(1, LATER_MS), cancelled]);
    expect(evolve(endedLater, failed(2, undefined))).toEqual({
      ...endedLater,
      progress: stateAfter([created, failed(1, LATER_MS), failed(2, undefined)]).progress,
    });
  });

  it("keeps in mind that one attempt was wanted when one that was in flight at the end fails late", () => {
    const wanted = stateAfter([created, cancelled, retried(1, 1, true)]);
    expect(evolve(wanted, failed(1, LATER_MS))).toMatchObject({ kind: "scheduled", isOnly: true });
    const again = stateAfter([created, failed(1, LATER_MS), retried(2, 1, false)]);
    expect(evolve(again, failed(2, LATER_MS))).toMatchObject({ kind: "scheduled", isOnly: false });
  });

  it("still has the retry to come that somebody wanted while an attempt was under way, however that failed", () => {
    const wanted = [created, failed(1, LATER_MS), retried(2, 1, false, ACCEPTED_AT_MS + 5_000)];
    const toCome = {
      kind: "scheduled",
      nextAtMs: ACCEPTED_AT_MS + 5_000,
      isOnly: false,
      progress: { attemptCount: 2 },
    };
    const forGood = [failed(2, undefined), exhausted("attempts_exhausted", 2)];
    expect(stateAfter([...wanted, ...forGood])).toMatchObject(toCome);
    expect(stateAfter([...wanted, failed(2, LATER_MS)])).toMatchObject(toCome);
    expect(stateAfter([...wanted, succeeded(2)]).kind).toBe("delivered");
    const ended = [...wanted, ...forGood, failed(3, undefined, {}, 1), exhausted("attempts_exhausted", 3, LATER_MS, 1)];
    expect(stateAfter(ended).kind).toBe("exhausted");
  });

  it("takes an outcome that does not say its release for one of now", () => {
    const wanted = stateAfter([created, failed(1, LATER_MS), retried(2, 1, false)]);
    const untold = { ...failed(2, LATER_MS), release: undefined };
    expect(evolve(wanted, untold)).toMatchObject({ kind: "scheduled", nextAtMs: LATER_MS });
  });

  it("is over with an attempt's last outcome, also when a copy of the attempt was parked meanwhile", () => {
    const parked = [created, deferred(1, 1)];
    const forGood = [failed(1, undefined), exhausted("attempts_exhausted", 1, LATER_MS)];
    expect(stateAfter([...parked, ...forGood])).toMatchObject({ kind: "exhausted", completedAtMs: LATER_MS });
    expect(stateAfter([...parked, failed(1, LATER_MS)])).toMatchObject({ kind: "scheduled", nextAtMs: LATER_MS });
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
