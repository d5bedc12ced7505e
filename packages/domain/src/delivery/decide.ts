/**
 * Decides what a command makes happen to a delivery. Pure: time, jitter and the receiver's answer come in as
 * arguments, the events that go out carry every decision, so that nothing is decided twice.
 */

import type { DeliveryId, EventId, OrgId, WebhookId } from "../ids/ids.ts";
import { DELIVERY_HORIZON_MS } from "../limits.ts";
import { nextAttempt, type RetryPolicy } from "../retry/retry-policy.ts";
import type { AttemptRecord, DeliveryEvent, DeliveryExhausted, DeliveryOrder } from "./delivery-event.ts";
import { type DeliveryState, isFinal } from "./delivery-state.ts";
import type { AttemptOutcome } from "./outcome.ts";
import type { CancelReason, DeferReason, ExhaustReason, SkipReason } from "./reasons.ts";

/** Which delivery a command is for. */
export type DeliveryIdentity = {
  readonly orgId: OrgId;
  readonly eventId: EventId;
  readonly deliveryId: DeliveryId;
  readonly webhookId: WebhookId;
};

export type DeliveryCommand =
  | {
      readonly kind: "create";
      readonly order: DeliveryOrder;
      readonly start: DeliveryStart;
    }
  | {
      readonly kind: "record-outcome";
      readonly attempt: AttemptRecord;
      readonly outcome: AttemptOutcome;
      readonly policy: RetryPolicy;
      readonly acceptedAtMs: number;
      /** In [0, 1): the jitter, rolled once. */
      readonly roll: number;
    }
  | {
      readonly kind: "defer";
      readonly reason: DeferReason;
      /** Undefined: until something else releases it, the horizon at the latest. */
      readonly notBeforeMs: number | undefined;
      readonly acceptedAtMs: number;
      /** See `WorkItem`. */
      readonly mayHaveBeenSent: boolean;
    }
  | { readonly kind: "cancel"; readonly reason: CancelReason }
  /** One more attempt, because a person wants it. Nothing happens while one is under way. */
  | { readonly kind: "retry"; readonly by: string }
  /** No attempt can be made any more. */
  | { readonly kind: "exhaust"; readonly reason: "expired" | "payload_gone" };

/** How a delivery begins. */
export type DeliveryStart =
  | { readonly kind: "queue" }
  /** Born parked: the scheduler releases it. */
  | { readonly kind: "hold"; readonly reason: DeferReason }
  | { readonly kind: "skip"; readonly reason: SkipReason };

/** @param nowMs when it is decided; the time that the events carry. */
export function decide(
  identity: DeliveryIdentity,
  command: DeliveryCommand,
  state: DeliveryState,
  nowMs: number,
): readonly DeliveryEvent[] {
  const base = { ...identity, atMs: nowMs };
  if (command.kind === "retry") return decideRetry(base, command.by, state);
  if (isFinal(state)) return [];
  switch (command.kind) {
    case "create": {
      if (state.kind !== "unknown") return [];
      const { order, start } = command;
      return start.kind === "skip"
        ? [{ ...base, kind: "delivery.skipped", ...order, reason: start.reason }]
        : [{ ...base, kind: "delivery.created", ...order, hold: start.kind === "hold" ? start.reason : undefined }];
    }
    case "record-outcome":
      return decideOutcome(base, command, state);
    case "defer":
      return decideDeferral(base, command, state);
    case "exhaust":
      return [exhausted(base, state, state.progress.attemptCount + 1, command.reason)];
    case "cancel":
      return [{ ...base, kind: "delivery.cancelled", reason: command.reason, release: state.progress.release }];
    default:
      return command satisfies never;
  }
}

type Base = DeliveryIdentity & { readonly atMs: number };

function exhausted(base: Base, state: DeliveryState, attempt: number, reason: ExhaustReason): DeliveryExhausted {
  return { ...base, kind: "delivery.exhausted", attempt, reason, release: state.progress.release };
}

function decideRetry(base: Base, by: string, state: DeliveryState): readonly DeliveryEvent[] {
  if (state.kind === "unknown" || state.kind === "pending") return [];
  const { attemptCount, release } = state.progress;
  const isOnly = "isOnly" in state ? state.isOnly : isFinal(state);
  return [{ ...base, kind: "delivery.retried", by, attempt: attemptCount + 1, release: release + 1, isOnly }];
}

function decideDeferral(
  base: Base,
  command: Extract<DeliveryCommand, { kind: "defer" }>,
  state: DeliveryState,
): readonly DeliveryEvent[] {
  const attempt = state.progress.attemptCount + 1;
  const horizonMs = command.acceptedAtMs + DELIVERY_HORIZON_MS;
  if (base.atMs >= horizonMs) return [exhausted(base, state, attempt, "expired")];
  return [
    {
      ...base,
      kind: "delivery.deferred",
      reason: command.reason,
      notBeforeMs: Math.min(command.notBeforeMs ?? horizonMs, horizonMs),
      attempt,
      release: state.progress.release + 1,
      mayHaveBeenSent: command.mayHaveBeenSent,
    },
  ];
}

function decideOutcome(
  base: Base,
  command: Extract<DeliveryCommand, { kind: "record-outcome" }>,
  state: DeliveryState,
): readonly DeliveryEvent[] {
  const { attempt, outcome } = command;
  const { release } = state.progress;
  if (outcome.kind === "succeeded") return [{ ...base, kind: "attempt.succeeded", attempt, release }];
  const failed = {
    ...base,
    kind: "attempt.failed",
    attempt,
    release,
    errorClass: outcome.errorClass,
    errorMessage: outcome.message,
  } as const;
  const next =
    outcome.kind === "refused"
      ? ({ kind: "none", reason: outcome.reason } as const)
      : nextAttempt(
          command.policy,
          attempt.number,
          attempt.startedAtMs + attempt.durationMs,
          command.acceptedAtMs,
          command.roll,
          outcome.retryAfterMs,
        );
  return next.kind === "at"
    ? [{ ...failed, nextAtMs: next.atMs }]
    : [{ ...failed, nextAtMs: undefined }, exhausted(base, state, attempt.number, next.reason)];
}
