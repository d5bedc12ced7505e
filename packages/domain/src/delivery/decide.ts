/**
 * Decides what a command makes happen to a delivery. Pure: time, jitter and the receiver's answer come in as
 * arguments, the events that go out carry every decision, so that nothing is decided twice.
 */

import type { DeliveryId, EventId, OrgId, WebhookId } from "../ids/ids.ts";
import { DELIVERY_HORIZON_MS } from "../limits.ts";
import type { ProfileName } from "../profiles/profile.ts";
import { nextAttempt, type RetryPolicy } from "../retry/retry-policy.ts";
import type { AttemptRecord, CancelReason, DeferReason, DeliveryEvent, EventFacts } from "./delivery-event.ts";
import { type DeliveryState, isFinal } from "./delivery-state.ts";
import type { AttemptOutcome } from "./outcome.ts";

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
      readonly event: EventFacts;
      readonly profile: ProfileName;
      readonly webhookIsActive: boolean;
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
    }
  | { readonly kind: "cancel"; readonly reason: CancelReason }
  /** No attempt can be made any more. */
  | { readonly kind: "exhaust"; readonly reason: "expired" | "payload_gone" };

/** @param nowMs when it is decided; the time that the events carry. */
export function decide(
  identity: DeliveryIdentity,
  command: DeliveryCommand,
  state: DeliveryState,
  nowMs: number,
): readonly DeliveryEvent[] {
  if (isFinal(state)) return [];
  const base = { ...identity, atMs: nowMs };
  switch (command.kind) {
    case "create": {
      if (state.kind !== "unknown") return [];
      const { event, profile } = command;
      return command.webhookIsActive
        ? [{ ...base, kind: "delivery.created", event, profile }]
        : [{ ...base, kind: "delivery.skipped", event, profile, reason: "webhook_inactive" }];
    }
    case "record-outcome":
      return decideOutcome(base, command);
    case "defer":
      return decideDeferral(base, command, state);
    case "exhaust":
      return [
        { ...base, kind: "delivery.exhausted", attempt: state.progress.attemptCount + 1, reason: command.reason },
      ];
    case "cancel":
      return [{ ...base, kind: "delivery.cancelled", reason: command.reason }];
    default:
      return command satisfies never;
  }
}

type Base = DeliveryIdentity & { readonly atMs: number };

function decideDeferral(
  base: Base,
  command: Extract<DeliveryCommand, { kind: "defer" }>,
  state: DeliveryState,
): readonly DeliveryEvent[] {
  const attempt = state.progress.attemptCount + 1;
  const horizonMs = command.acceptedAtMs + DELIVERY_HORIZON_MS;
  if (base.atMs >= horizonMs) return [{ ...base, kind: "delivery.exhausted", attempt, reason: "expired" }];
  return [
    {
      ...base,
      kind: "delivery.deferred",
      reason: command.reason,
      notBeforeMs: Math.min(command.notBeforeMs ?? horizonMs, horizonMs),
      attempt,
      release: state.progress.release + 1,
    },
  ];
}

function decideOutcome(
  base: Base,
  command: Extract<DeliveryCommand, { kind: "record-outcome" }>,
): readonly DeliveryEvent[] {
  const { attempt, outcome } = command;
  if (outcome.kind === "succeeded") return [{ ...base, kind: "attempt.succeeded", attempt }];
  const failed = {
    ...base,
    kind: "attempt.failed",
    attempt,
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
    : [
        { ...failed, nextAtMs: undefined },
        { ...base, kind: "delivery.exhausted", attempt: attempt.number, reason: next.reason },
      ];
}
