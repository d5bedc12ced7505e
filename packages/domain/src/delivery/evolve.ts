/**
 * Folds a delivery event into a delivery's state. Total and idempotent: events may come twice or, after losses, in
 * another order; the first outcome of an attempt wins, and nothing changes an ended delivery but the count of repeats.
 */

import type { AttemptFailed, AttemptSucceeded, DeliveryEvent, DeliveryExhausted } from "./delivery-event.ts";
import { type DeliveryState, isFinal, type Progress } from "./delivery-state.ts";

export function evolve(state: DeliveryState, event: DeliveryEvent): DeliveryState {
  switch (event.kind) {
    case "delivery.created":
      return state.kind === "unknown" ? { kind: "pending", progress: state.progress } : state;
    case "delivery.skipped":
      return state.kind === "unknown" ? ended(state, { kind: "skipped", reason: event.reason }, event.atMs) : state;
    case "delivery.deferred":
      return evolveDeferred(state, event);
    case "attempt.succeeded":
      return isNewOutcome(state, event)
        ? ended({ progress: afterAttempt(state.progress, event) }, { kind: "delivered" }, event.atMs)
        : countRepeat(state, event);
    case "attempt.failed":
      return isNewOutcome(state, event) ? evolveFailed(state, event) : countRepeat(state, event);
    case "delivery.exhausted":
      return endsWith(state, event) ? ended(state, { kind: "exhausted", reason: event.reason }, event.atMs) : state;
    case "delivery.cancelled":
      return isFinal(state) ? state : ended(state, { kind: "cancelled", reason: event.reason }, event.atMs);
    default:
      return event satisfies never;
  }
}

type Ending =
  | { readonly kind: "delivered" }
  | Pick<Extract<DeliveryState, { kind: "exhausted" }>, "kind" | "reason">
  | Pick<Extract<DeliveryState, { kind: "cancelled" }>, "kind" | "reason">
  | Pick<Extract<DeliveryState, { kind: "skipped" }>, "kind" | "reason">;

function ended(state: { readonly progress: Progress }, ending: Ending, completedAtMs: number): DeliveryState {
  return { ...ending, progress: state.progress, completedAtMs };
}

/** An end counts before the next attempt, or after a last one; not when it came with a repeat of an outcome. */
function endsWith(state: DeliveryState, event: DeliveryExhausted): boolean {
  if (isFinal(state)) return false;
  const { attemptCount } = state.progress;
  return event.attempt > attemptCount || (event.attempt === attemptCount && state.kind === "pending");
}

function evolveDeferred(
  state: DeliveryState,
  event: Extract<DeliveryEvent, { kind: "delivery.deferred" }>,
): DeliveryState {
  const { progress } = state;
  if (isFinal(state) || event.release <= progress.release || event.attempt <= progress.attemptCount) return state;
  return {
    kind: "parked",
    progress: { ...progress, release: event.release },
    reason: event.reason,
    notBeforeMs: event.notBeforeMs,
  };
}

function evolveFailed(state: DeliveryState, event: AttemptFailed): DeliveryState {
  const progress = afterAttempt(state.progress, event);
  return event.nextAtMs === undefined
    ? { kind: "pending", progress }
    : { kind: "scheduled", progress, nextAtMs: event.nextAtMs };
}

function isNewOutcome(state: DeliveryState, event: AttemptSucceeded | AttemptFailed): boolean {
  return !isFinal(state) && event.attempt.number > state.progress.attemptCount;
}

function afterAttempt(progress: Progress, event: AttemptSucceeded | AttemptFailed): Progress {
  const { attempt } = event;
  return {
    ...progress,
    attemptCount: attempt.number,
    lastAttempt: {
      startedAtMs: attempt.startedAtMs,
      dispatcher: attempt.dispatcher,
      statusCode: attempt.statusCode,
      failure:
        event.kind === "attempt.failed" ? { errorClass: event.errorClass, message: event.errorMessage } : undefined,
    },
  };
}

/**
 * Only the last attempt that counted can be told from its repeat: the same record read twice is none, another start or
 * another process is. An attempt that was in flight when the delivery ended is later than the last that counted.
 */
function countRepeat(state: DeliveryState, event: AttemptSucceeded | AttemptFailed): DeliveryState {
  const { progress } = state;
  const last = progress.lastAttempt;
  const isSameRecord = last?.startedAtMs === event.attempt.startedAtMs && last.dispatcher === event.attempt.dispatcher;
  if (event.attempt.number !== progress.attemptCount || isSameRecord) return state;
  return { ...state, progress: { ...progress, repeatedAttempts: progress.repeatedAttempts + 1 } };
}
