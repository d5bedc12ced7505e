/** Courses that a delivery may take, drawn by fast-check, and how the services carry them out. For tests only. */

import fc from "fast-check";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import { type DeliveryCommand, type DeliveryStart, decide } from "./decide.ts";
import { ACCEPTED_AT_MS, attempt, IDENTITY, ORDER } from "./delivery.fixture.ts";
import type { DeliveryEvent } from "./delivery-event.ts";
import { type DeliveryState, isFinal, UNKNOWN_DELIVERY } from "./delivery-state.ts";
import { evolve } from "./evolve.ts";
import type { AttemptOutcome } from "./outcome.ts";

export type Step =
  | { readonly kind: "attempt"; readonly outcome: AttemptOutcome; readonly roll: number }
  | { readonly kind: "defer"; readonly forMs: number | undefined }
  | { readonly kind: "exhaust" }
  | { readonly kind: "cancel" };

export type Course = {
  readonly policy: RetryPolicy;
  readonly webhookIsActive: boolean;
  readonly steps: readonly Step[];
};

/** Carries a course out as the services do: each command is decided in the state that the log gives. */
export function play({ policy, webhookIsActive, steps }: Course): {
  events: readonly DeliveryEvent[];
  state: DeliveryState;
} {
  let state: DeliveryState = UNKNOWN_DELIVERY;
  const events: DeliveryEvent[] = [];
  const apply = (command: DeliveryCommand, nowMs: number) => {
    for (const event of decide(IDENTITY, command, state, nowMs)) {
      events.push(event);
      state = evolve(state, event);
    }
  };
  const start: DeliveryStart = webhookIsActive ? { kind: "queue" } : { kind: "skip", reason: "webhook_inactive" };
  apply({ kind: "create", order: ORDER, start }, ACCEPTED_AT_MS);
  let nowMs = ACCEPTED_AT_MS;
  for (const step of steps) {
    if (isFinal(state)) break;
    if (state.kind === "scheduled") nowMs = state.nextAtMs;
    if (state.kind === "parked") nowMs = state.notBeforeMs;
    apply(commandOf(step, state.progress.attemptCount + 1, policy, nowMs), nowMs);
  }
  return { events, state };
}

export function commandOf(step: Step, number: number, policy: RetryPolicy, nowMs: number): DeliveryCommand {
  switch (step.kind) {
    case "attempt":
      return {
        kind: "record-outcome",
        attempt: attempt(number, { startedAtMs: nowMs }),
        outcome: step.outcome,
        policy,
        acceptedAtMs: ACCEPTED_AT_MS,
        roll: step.roll,
      };
    case "defer":
      return {
        kind: "defer",
        reason: "webhook_inactive",
        notBeforeMs: step.forMs === undefined ? undefined : nowMs + step.forMs,
        acceptedAtMs: ACCEPTED_AT_MS,
        mayHaveBeenSent: false,
      };
    case "exhaust":
      return { kind: "exhaust", reason: "payload_gone" };
    case "cancel":
      return { kind: "cancel", reason: "webhook_deleted" };
    default:
      return step satisfies never;
  }
}

const failure = { errorClass: "status", message: "receiver answered 500" } as const;
const HALF_DAY_MS = 12 * 3_600_000;

export const outcome = (): fc.Arbitrary<AttemptOutcome> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant({ kind: "succeeded" } as const) },
    {
      weight: 6,
      arbitrary: fc
        .option(fc.integer({ min: 1_000, max: 2 * HALF_DAY_MS }), { nil: undefined })
        .map((retryAfterMs) => ({ kind: "failed", ...failure, retryAfterMs }) as const),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom("gone", "unrepresentable")
        .map((reason) => ({ kind: "refused", ...failure, reason }) as const),
    },
  );

export const step = (): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("attempt"),
        outcome: outcome(),
        roll: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("defer"),
        forMs: fc.option(fc.nat({ max: 4 * HALF_DAY_MS }), { nil: undefined }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "exhaust" } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: "cancel" } as const) },
  );

export const course = (): fc.Arbitrary<Course> =>
  fc.record({
    policy: fc.record({
      delaysS: fc.array(fc.integer({ min: 1, max: 86_400 }), { maxLength: 6 }),
      jitter: fc.boolean(),
    }),
    webhookIsActive: fc.integer({ min: 0, max: 9 }).map((number) => number > 0),
    steps: fc.array(step(), { maxLength: 12 }),
  });

export function isOutcome(event: DeliveryEvent) {
  return event.kind === "attempt.succeeded" || event.kind === "attempt.failed";
}
