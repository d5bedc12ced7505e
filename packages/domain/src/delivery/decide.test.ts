import { describe, expect, it } from "vitest";
import { DELIVERY_HORIZON_MS } from "../limits.ts";
import type { DeliveryCommand } from "./decide.ts";
import { decide } from "./decide.ts";
import {
  ACCEPTED_AT_MS,
  at,
  attempt,
  bornParked,
  cancelled,
  cancelledIn,
  created,
  deferred,
  exhausted,
  failed,
  given,
  IDENTITY,
  ORDER,
  recordedAtMs,
  retried,
  skipped,
  stateAfter,
  succeeded,
} from "./delivery.fixture.ts";
import { stateOfWork } from "./delivery-state.ts";
import type { AttemptOutcome } from "./outcome.ts";

const HORIZON_MS = ACCEPTED_AT_MS + DELIVERY_HORIZON_MS;
const TWO_RETRIES = { delaysS: [60, 300], jitter: false };

const ENDED = [
  ["delivered", [created, succeeded(1)]],
  ["exhausted", [created, failed(1, undefined), exhausted("attempts_exhausted", 1)]],
  ["cancelled", [created, cancelled]],
  ["skipped", [skipped]],
] as const;

describe("create", () => {
  const create = (webhookIsActive: boolean): DeliveryCommand => ({
    kind: "create",
    order: ORDER,
    start: webhookIsActive ? { kind: "queue" } : { kind: "skip", reason: "webhook_inactive" },
  });

  it("creates the delivery of an active webhook", () => {
    given().when(create(true), ACCEPTED_AT_MS).happens(created);
  });

  it("skips the delivery of a paused webhook", () => {
    given().when(create(false), ACCEPTED_AT_MS).happens(skipped);
  });

  it("creates a delivery that waits for the scheduler", () => {
    given()
      .when({ kind: "create", order: ORDER, start: { kind: "hold", reason: "ordered" } }, ACCEPTED_AT_MS)
      .happens(bornParked);
  });

  it("creates nothing twice", () => {
    given(created).when(create(true), ACCEPTED_AT_MS).nothingHappens();
    given(created, failed(1, HORIZON_MS)).when(create(true), ACCEPTED_AT_MS).nothingHappens();
    given(created, deferred(1, 1)).when(create(false), ACCEPTED_AT_MS).nothingHappens();
  });

  it.each(ENDED)("does nothing to a %s delivery", (_status, events) => {
    given(...events)
      .when(create(true), ACCEPTED_AT_MS)
      .nothingHappens();
  });
});

describe("record-outcome", () => {
  const FAILED: AttemptOutcome = {
    kind: "failed",
    errorClass: "status",
    message: "receiver answered 500",
    retryAfterMs: undefined,
  };
  const record = (
    number: number,
    outcome: AttemptOutcome,
    changes: { readonly roll?: number; readonly acceptedAtMs?: number; readonly jitter?: boolean } = {},
  ): DeliveryCommand => ({
    kind: "record-outcome",
    attempt: attempt(number),
    outcome,
    policy: { ...TWO_RETRIES, jitter: changes.jitter ?? false },
    acceptedAtMs: changes.acceptedAtMs ?? ACCEPTED_AT_MS,
    roll: changes.roll ?? 0.5,
  });
  const nowMs = recordedAtMs;

  it("ends the delivery on success", () => {
    given(created)
      .when(record(1, { kind: "succeeded" }), nowMs(1))
      .happens({ ...at(nowMs(1)), kind: "attempt.succeeded", attempt: attempt(1), release: 0 });
  });

  it("tells the release that the attempt was made in", () => {
    const released = stateOfWork(2, 3);
    const outcomes = [{ kind: "succeeded" }, FAILED] as const;
    for (const outcome of outcomes) {
      expect(decide(IDENTITY, record(2, outcome), released, nowMs(2))).toMatchObject([{ release: 3 }]);
    }
  });

  it("schedules the next attempt from the end of the failed one", () => {
    const endedAtMs = attempt(1).startedAtMs + attempt(1).durationMs;
    given(created)
      .when(record(1, FAILED), nowMs(1))
      .happens(failed(1, endedAtMs + 60_000));
  });

  it("rolls the jitter of a profile's schedule once, into the event", () => {
    const endedAtMs = attempt(1).startedAtMs + attempt(1).durationMs;
    given(created)
      .when(record(1, FAILED, { jitter: true, roll: 0 }), nowMs(1))
      .happens(failed(1, endedAtMs + 48_000));
  });

  it("waits as long as the receiver asks for", () => {
    const endedAtMs = attempt(2).startedAtMs + attempt(2).durationMs;
    given(created, failed(1, nowMs(2)))
      .when(record(2, { ...FAILED, retryAfterMs: 3_600_000 }), nowMs(2))
      .happens(failed(2, endedAtMs + 3_600_000));
  });

  it("ends the delivery after the last failure that the policy allows", () => {
    given(created, failed(1, nowMs(2)), failed(2, nowMs(3)))
      .when(record(3, FAILED), nowMs(3))
      .happens(failed(3, undefined), exhausted("attempts_exhausted", 3, nowMs(3)));
  });

  it("ends the delivery when the next attempt would be past the horizon", () => {
    given(created)
      .when(record(1, FAILED, { acceptedAtMs: ACCEPTED_AT_MS - DELIVERY_HORIZON_MS }), nowMs(1))
      .happens(failed(1, undefined), exhausted("expired", 1, nowMs(1)));
  });

  it.each(["gone", "unrepresentable"] as const)("ends the delivery at once when it is %s", (reason) => {
    given(created)
      .when(record(1, { kind: "refused", errorClass: "status", message: "no use", reason }), nowMs(1))
      .happens({ ...failed(1, undefined), errorMessage: "no use" }, exhausted(reason, 1, nowMs(1)));
  });

  it.each(ENDED)("does nothing to a %s delivery", (_status, events) => {
    given(...events)
      .when(record(1, { kind: "succeeded" }), nowMs(2))
      .nothingHappens();
    given(...events)
      .when(record(2, FAILED), nowMs(2))
      .nothingHappens();
  });
});

const IN_PROGRESS = [
  ["unknown", [], 1, 0],
  ["pending", [created], 1, 0],
  ["scheduled", [created, failed(1, HORIZON_MS)], 2, 0],
  ["parked", [created, deferred(1, 1)], 1, 1],
] as const;

describe("defer", () => {
  const defer = (notBeforeMs: number | undefined): DeliveryCommand => ({
    kind: "defer",
    reason: "webhook_inactive",
    notBeforeMs,
    acceptedAtMs: ACCEPTED_AT_MS,
    mayHaveBeenSent: false,
  });

  it("parks the attempt to come and counts the release", () => {
    given(created)
      .when(defer(HORIZON_MS), ACCEPTED_AT_MS)
      .happens(deferred(1, 1, HORIZON_MS));
    given(created, failed(1, recordedAtMs(2)), deferred(2, 1), deferred(2, 2))
      .when(defer(HORIZON_MS), ACCEPTED_AT_MS)
      .happens(deferred(2, 3, HORIZON_MS));
  });

  it("knows the attempt and the release of a work item", () => {
    const events = decide(IDENTITY, defer(HORIZON_MS), stateOfWork(3, 2), ACCEPTED_AT_MS);
    expect(events).toEqual([deferred(3, 3, HORIZON_MS)]);
  });

  it("keeps in mind that it may have been sent", () => {
    given(created)
      .when({ ...defer(HORIZON_MS), mayHaveBeenSent: true } as DeliveryCommand, ACCEPTED_AT_MS)
      .happens(deferred(1, 1, HORIZON_MS, true));
  });

  it("parks until the horizon at the latest", () => {
    given(created)
      .when(defer(undefined), ACCEPTED_AT_MS)
      .happens(deferred(1, 1, HORIZON_MS));
    given(created)
      .when(defer(HORIZON_MS + 1), ACCEPTED_AT_MS)
      .happens(deferred(1, 1, HORIZON_MS));
    given(created)
      .when(defer(HORIZON_MS - 1), ACCEPTED_AT_MS)
      .happens(deferred(1, 1, HORIZON_MS - 1));
  });

  it.each(IN_PROGRESS)("ends a delivery that is %s when the horizon has come", (_status, events, attempt, release) => {
    given(...events)
      .when(defer(undefined), HORIZON_MS)
      .happens(exhausted("expired", attempt, HORIZON_MS, release));
    expect(decide(IDENTITY, defer(undefined), stateAfter(events), HORIZON_MS - 1)).toMatchObject([
      { kind: "delivery.deferred" },
    ]);
  });

  it.each(ENDED)("does nothing to a %s delivery", (_status, events) => {
    given(...events)
      .when(defer(HORIZON_MS), ACCEPTED_AT_MS)
      .nothingHappens();
  });
});

describe("exhaust", () => {
  const exhaust: DeliveryCommand = { kind: "exhaust", reason: "payload_gone" };

  it.each(IN_PROGRESS)("ends a delivery that is %s, before its next attempt", (_status, events, attempt, release) => {
    given(...events)
      .when(exhaust, HORIZON_MS)
      .happens(exhausted("payload_gone", attempt, HORIZON_MS, release));
    const ended = stateAfter([...events, exhausted("payload_gone", attempt, HORIZON_MS, release)]);
    expect(ended).toMatchObject({ kind: "exhausted", reason: "payload_gone" });
  });

  it.each(ENDED)("does nothing to a %s delivery", (_status, events) => {
    given(...events)
      .when(exhaust, ACCEPTED_AT_MS)
      .nothingHappens();
  });
});

describe("cancel", () => {
  const cancel: DeliveryCommand = { kind: "cancel", reason: "webhook_deleted" };

  it.each(IN_PROGRESS)("cancels a delivery that is %s", (_status, events, _attempt, release) => {
    given(...events)
      .when(cancel, ACCEPTED_AT_MS)
      .happens(cancelledIn(release));
  });

  it.each(ENDED)("does nothing to a %s delivery", (_status, events) => {
    given(...events)
      .when(cancel, ACCEPTED_AT_MS)
      .nothingHappens();
  });
});

describe("retry", () => {
  const retry: DeliveryCommand = { kind: "retry", by: "root" };
  const NOW_MS = ACCEPTED_AT_MS + 5_000;

  it.each([
    ["delivered", [created, succeeded(1)], retried(2, 1, true, NOW_MS)],
    ["exhausted", [created, failed(1, undefined), exhausted("attempts_exhausted", 1)], retried(2, 1, true, NOW_MS)],
    ["cancelled", [created, cancelled], retried(1, 1, true, NOW_MS)],
    ["skipped", [skipped], retried(1, 1, true, NOW_MS)],
    ["parked", [created, deferred(1, 1)], retried(1, 2, false, NOW_MS)],
    ["scheduled", [created, failed(1, HORIZON_MS)], retried(2, 1, false, NOW_MS)],
  ])("gives a %s delivery one more attempt, and nothing after it when it had ended", (_status, events, happens) => {
    given(...events)
      .when(retry, NOW_MS)
      .happens(happens);
  });

  it("does not make one more of what is under way or unknown", () => {
    given(created).when(retry, NOW_MS).nothingHappens();
    given().when(retry, NOW_MS).nothingHappens();
  });

  it("asked for twice at once is the same happening twice", () => {
    const events = [created, succeeded(1)];
    given(...events)
      .when(retry, NOW_MS)
      .happens(retried(2, 1, true, NOW_MS));
    given(...events, retried(2, 1, true, NOW_MS))
      .when(retry, NOW_MS)
      .happens(retried(2, 2, true, NOW_MS));
  });
});
