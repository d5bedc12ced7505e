/** When does the next attempt come? A profile's own schedule is jittered, an explicit one is kept to the second. */

import { DELIVERY_HORIZON_MS } from "../limits.ts";
import { type ProfileName, profileOf } from "../profiles/profile.ts";

/** `delaysS[n]` is the wait after the failure of attempt n + 1. */
export type RetryPolicy = { readonly delaysS: readonly number[]; readonly jitter: boolean };

/** ±20 %. */
const JITTER_SHARE = 0.2;

/** @param explicitDelaysS the webhook's own schedule; undefined means the profile's. */
export function retryPolicyOf(profile: ProfileName, explicitDelaysS: readonly number[] | undefined): RetryPolicy {
  return explicitDelaysS === undefined
    ? { delaysS: profileOf(profile).retryDelaysS, jitter: true }
    : { delaysS: explicitDelaysS, jitter: false };
}

export type NextAttempt =
  | { readonly kind: "at"; readonly atMs: number }
  | { readonly kind: "none"; readonly reason: "attempts_exhausted" | "expired" };

/**
 * @param attempt number of the attempt that failed, from 1.
 * @param roll a random number in [0, 1): the jitter of this decision, rolled once.
 * @param retryAfterMs the receiver's own wish, already clamped; it can delay the next attempt, never add one.
 */
export function nextAttempt(
  policy: RetryPolicy,
  attempt: number,
  failedAtMs: number,
  acceptedAtMs: number,
  roll: number,
  retryAfterMs: number | undefined,
): NextAttempt {
  const delayS = policy.delaysS[attempt - 1];
  if (delayS === undefined) return { kind: "none", reason: "attempts_exhausted" };
  const factor = policy.jitter ? 1 - JITTER_SHARE + 2 * JITTER_SHARE * roll : 1;
  const delayMs = Math.max(Math.round(delayS * 1_000 * factor), retryAfterMs ?? 0);
  const atMs = failedAtMs + delayMs;
  return atMs > acceptedAtMs + DELIVERY_HORIZON_MS ? { kind: "none", reason: "expired" } : { kind: "at", atMs };
}
