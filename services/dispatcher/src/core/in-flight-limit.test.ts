import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FULL_LIMIT, IN_FLIGHT_MAX, limitAfter, limitAfterOutage } from "./in-flight-limit.ts";
import type { ReceiverSign } from "./receiver-sign.ts";

describe("the in-flight limit", () => {
  it.each(["silent", "throttled", "overloaded"] as const)("is halved when the receiver wants less: %s", (sign) => {
    expect(limitAfter(FULL_LIMIT, sign, 10, 20)).toEqual({ max: 32, halvedAtMs: 20 });
  });

  it.each(["answered", "broken", "none"] as const)("stays as it is: %s", (sign) => {
    const limit = { max: 5, halvedAtMs: 0 };
    expect(limitAfter(limit, sign, 10, 20)).toEqual(limit);
  });

  it("grows by one for each success, up to its maximum", () => {
    expect(limitAfter({ max: 5, halvedAtMs: 0 }, "delivered", 10, 20).max).toBe(6);
    expect(limitAfter(FULL_LIMIT, "delivered", 10, 20)).toEqual(FULL_LIMIT);
  });

  it("is halved once for all requests that were under way together", () => {
    let limit = FULL_LIMIT;
    for (let request = 0; request < IN_FLIGHT_MAX; request++) limit = limitAfter(limit, "throttled", 10, 20 + request);
    expect(limit.max).toBe(32);
    expect(limitAfter(limit, "throttled", 21, 30).max).toBe(16);
  });

  it("starts small after an outage, and no higher than it was", () => {
    expect(limitAfterOutage(FULL_LIMIT).max).toBe(8);
    expect(limitAfterOutage({ max: 2, halvedAtMs: 0 }).max).toBe(2);
  });

  it("always lets one request go", () => {
    const sign = fc.constantFrom<ReceiverSign>("delivered", "throttled", "silent", "broken");
    fc.assert(
      fc.property(fc.array(sign), (signs) => {
        let [limit, nowMs] = [FULL_LIMIT, 0];
        for (const its of signs) {
          nowMs += 2;
          limit = limitAfter(limit, its, nowMs - 1, nowMs);
          expect(limit.max).toBeGreaterThanOrEqual(1);
          expect(limit.max).toBeLessThanOrEqual(IN_FLIGHT_MAX);
        }
      }),
    );
  });
});
