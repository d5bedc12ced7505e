/** How many requests a webhook may have under way: one more for each success, half of it when the receiver wants less. */

import { isCongestionSign, type ReceiverSign } from "./receiver-sign.ts";

export type InFlightLimit = {
  readonly max: number;
  /** Requests that left before this say nothing new: they were under way when the limit was halved. */
  readonly halvedAtMs: number;
};

export const IN_FLIGHT_MAX = 64;
/** A receiver that has just come back gets its load step by step. */
const IN_FLIGHT_AFTER_OUTAGE = 8;

export const FULL_LIMIT: InFlightLimit = { max: IN_FLIGHT_MAX, halvedAtMs: Number.NEGATIVE_INFINITY };

/** @param leftAtMs when the request that `sign` is about left. */
export function limitAfter(limit: InFlightLimit, sign: ReceiverSign, leftAtMs: number, nowMs: number): InFlightLimit {
  if (isCongestionSign(sign)) {
    return leftAtMs <= limit.halvedAtMs ? limit : { max: Math.max(1, Math.floor(limit.max / 2)), halvedAtMs: nowMs };
  }
  return sign === "delivered" && limit.max < IN_FLIGHT_MAX ? { ...limit, max: limit.max + 1 } : limit;
}

export function limitAfterOutage(limit: InFlightLimit): InFlightLimit {
  return { ...limit, max: Math.min(limit.max, IN_FLIGHT_AFTER_OUTAGE) };
}
