/**
 * Counts the requests of each API key in windows of a minute. Each replica counts for itself. What is remembered is
 * one number per key that was used within the last minute, and only keys that exist are counted.
 */

import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Caller } from "../core/caller.ts";
import { QUOTA_WINDOW_S, type Quota } from "../core/quota.ts";

export type RateLimiter = {
  /** Counts one request; undefined when keys are not limited. */
  count(caller: Caller): Promise<Quota | undefined>;
};

/** @param limit requests per minute and key; 0: no limit. */
export function createRateLimiter(limit: number): RateLimiter {
  if (limit === 0) return { count: async () => undefined };
  const limiter = new RateLimiterMemory({ points: limit, duration: QUOTA_WINDOW_S });
  return {
    count: async (caller) => {
      // As a penalty, because only that answers a number when the limit is exceeded; a consumption throws it.
      const used = await limiter.penalty(caller.kind === "root" ? "root" : caller.id);
      return {
        limit,
        remaining: used.remainingPoints,
        resetS: Math.ceil(used.msBeforeNext / 1_000),
        isExceeded: used.consumedPoints > limit,
      };
    },
  };
}
