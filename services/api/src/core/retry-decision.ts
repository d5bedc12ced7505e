/** Whether a delivery may be attempted once more because a person wants it, and what follows if so. */

import {
  type DeliveryIdentity,
  type DeliveryRetried,
  type DeliveryState,
  decide,
  evolve,
  isFinal,
  limits,
} from "@posthorn/domain";
import type { Delivery } from "./present-delivery.ts";
import {
  ATTEMPT_RUNNING,
  PAYLOAD_EXPIRED,
  type Problem,
  TEST_DELIVERY,
  WEBHOOK_DELETED,
  WEBHOOK_DISABLED,
} from "./problems.ts";

/** Where the next attempt of a delivery is that is scheduled or parked. */
export type Release =
  /** Nobody has touched it: it waits for its time. */
  | { readonly kind: "waiting" }
  /** The scheduler publishes it, or died at it. */
  | { readonly kind: "claimed"; readonly untilMs: number }
  /** Under way, or none is to come. */
  | { readonly kind: "none" };

export type RetryCandidate = {
  readonly state: DeliveryState;
  readonly release: Release;
  readonly isTest: boolean;
  readonly acceptedAtMs: number;
  readonly webhook: "unknown" | "deleted" | "disabled" | "present";
};

/** Undefined when nothing that is written down stands against it; its payload has still to be looked for. */
export function retryRefusal(candidate: RetryCandidate, nowMs: number): Problem | undefined {
  const { webhook } = candidate;
  if (candidate.isTest) return TEST_DELIVERY;
  if (webhook === "disabled") return WEBHOOK_DISABLED;
  if (webhook !== "present") return WEBHOOK_DELETED;
  // Payloads are kept somewhat longer, but no attempt is made after the horizon.
  if (nowMs >= candidate.acceptedAtMs + limits.DELIVERY_HORIZON_MS) return PAYLOAD_EXPIRED;
  return isRunning(candidate, nowMs) ? ATTEMPT_RUNNING : undefined;
}

/** What was released is under way until its outcome is known; it could not be called back. */
function isRunning({ state, release }: RetryCandidate, nowMs: number): boolean {
  if (isFinal(state)) return false;
  const isDue = state.kind === "scheduled" && state.nextAtMs <= nowMs;
  const isClaimed = release.kind === "claimed" && release.untilMs > nowMs;
  return state.kind === "pending" || isDue || isClaimed || release.kind === "none";
}

/** The event that makes it happen; undefined when the delivery is not known well enough yet. */
export function retryEvent(
  identity: DeliveryIdentity,
  by: string,
  state: DeliveryState,
  nowMs: number,
): DeliveryRetried | undefined {
  const [event] = decide(identity, { kind: "retry", by }, state, nowMs);
  return event?.kind === "delivery.retried" ? event : undefined;
}

/** The delivery as it stands once the event counts. */
export function afterRetry(delivery: Delivery, before: DeliveryState, event: DeliveryRetried): Delivery {
  const state = evolve(before, event);
  if (state.kind !== "scheduled") return delivery;
  return {
    ...delivery,
    status: state.kind,
    reason: undefined,
    nextAttemptAtMs: state.nextAtMs,
    completedAtMs: undefined,
  };
}
