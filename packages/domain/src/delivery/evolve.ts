/**
 * Folds a delivery event into a delivery's state. Total and idempotent: events may come twice or, after losses, in
 * another order; the first outcome of an attempt wins. An end stays what it is until a person asks for one more attempt.
 */

import type {
  AttemptFailed,
  AttemptSucceeded,
  DeliveryCancelled,
  DeliveryCreated,
  DeliveryExhausted,
  DeliveryFact,
  DeliveryRetried,
  FactOf,
} from "./delivery-event.ts";
import { type DeliveryState, isFinal, type Progress } from "./delivery-state.ts";

type Outcome = FactOf<AttemptSucceeded | AttemptFailed>;

export function evolve(state: DeliveryState, event: DeliveryFact): DeliveryState {
  switch (event.kind) {
    case "delivery.created":
      return evolveCreated(state, event);
    case "delivery.skipped":
      return state.kind === "unknown" ? ended(state, { kind: "skipped", reason: event.reason }, event.atMs) : state;
    case "delivery.deferred":
      return evolveDeferred(state, event);
    case "attempt.succeeded":
    case "attempt.failed":
      return event.attempt.number > state.progress.attemptCount
        ? evolveOutcome(state, event)
        : countRepeat(state, event);
    case "delivery.exhausted":
      return endsWith(state, event) ? ended(state, { kind: "exhausted", reason: event.reason }, event.atMs) : state;
    case "delivery.cancelled":
      return isCancelledBy(state, event)
        ? ended(state, { kind: "cancelled", reason: event.reason }, event.atMs)
        : state;
    case "delivery.retried":
      return evolveRetried(state, event);
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

/**
 * An end counts before the next attempt, or with the last outcome, of whatever release that was; not when it came with a
 * repeat of an outcome. What ended before an attempt for want of time or data tells nothing of that attempt's end.
 */
function endsWith(state: DeliveryState, event: DeliveryExhausted): boolean {
  if (isFinal(state)) return false;
  const { attemptCount } = state.progress;
  if (event.attempt > attemptCount) return !isOutdated(state, event);
  const mayTellOfNoAttempt = event.reason === "expired" || event.reason === "payload_gone";
  const isOfLastOutcome = event.attempt === attemptCount && state.kind === "pending";
  return isOfLastOutcome && !(mayTellOfNoAttempt && isOutdated(state, event));
}

/** Born parked means: to be released at once by whoever may. */
function evolveCreated(state: DeliveryState, { hold, atMs }: DeliveryCreated): DeliveryState {
  if (state.kind !== "unknown") return state;
  const { progress } = state;
  return hold === undefined
    ? { kind: "pending", progress }
    : { kind: "parked", progress, reason: hold, notBeforeMs: atMs, isOnly: false, mayHaveBeenSent: false };
}

/** Also an ended delivery begins again: somebody wants it to. Not one that has no data any more. */
function evolveRetried(state: DeliveryState, event: DeliveryRetried): DeliveryState {
  const { progress } = state;
  if (state.kind === "cancelled" && state.reason === "payload_deleted") return state;
  if (event.release <= progress.release || event.attempt <= progress.attemptCount) return state;
  return {
    kind: "scheduled",
    progress: { ...progress, release: event.release },
    nextAtMs: event.atMs,
    isOnly: event.isOnly,
  };
}

/** What has no data any more cannot be sent, however often it was deferred or wanted since somebody looked at it. */
function isCancelledBy(state: DeliveryState, event: DeliveryCancelled): boolean {
  return !isFinal(state) && (event.reason === "payload_deleted" || !isOutdated(state, event));
}

/** What it tells of was before the delivery was deferred, or somebody wanted one more attempt. */
function isOutdated(state: DeliveryState, { release }: DeliveryExhausted | DeliveryCancelled | Outcome): boolean {
  return release !== undefined && release < state.progress.release;
}

function evolveDeferred(
  state: DeliveryState,
  event: Extract<DeliveryFact, { kind: "delivery.deferred" }>,
): DeliveryState {
  const { progress } = state;
  if (event.release <= progress.release || event.attempt <= progress.attemptCount) return state;
  if (isFinal(state)) return { ...state, progress: { ...progress, release: event.release } };
  return {
    kind: "parked",
    progress: { ...progress, release: event.release },
    reason: event.reason,
    notBeforeMs: event.notBeforeMs,
    isOnly: "isOnly" in state && state.isOnly,
    mayHaveBeenSent: event.mayHaveBeenSent,
  };
}

/**
 * An attempt that was in flight when the delivery ended is counted, and changes nothing about the end. Nor does the
 * failure of one that was in flight when somebody wanted one more change anything about that: it is still to come, only
 * under the next number. A deferral from that time is of the very attempt that now has its outcome, and is over with it.
 */
function evolveOutcome(state: DeliveryState, event: Outcome): DeliveryState {
  const progress = afterAttempt(state.progress, event);
  if (isFinal(state)) return { ...state, progress };
  if (event.kind === "attempt.succeeded") return ended({ progress }, { kind: "delivered" }, event.atMs);
  if (state.kind === "scheduled" && isOutdated(state, event)) return { ...state, progress };
  return event.nextAtMs === undefined
    ? { kind: "pending", progress }
    : { kind: "scheduled", progress, nextAtMs: event.nextAtMs, isOnly: "isOnly" in state && state.isOnly };
}

function afterAttempt(progress: Progress, event: Outcome): Progress {
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
 * another process is.
 */
function countRepeat(state: DeliveryState, event: Outcome): DeliveryState {
  const { progress } = state;
  const last = progress.lastAttempt;
  const isSameRecord = last?.startedAtMs === event.attempt.startedAtMs && last.dispatcher === event.attempt.dispatcher;
  if (event.attempt.number !== progress.attemptCount || isSameRecord) return state;
  return { ...state, progress: { ...progress, repeatedAttempts: progress.repeatedAttempts + 1 } };
}
