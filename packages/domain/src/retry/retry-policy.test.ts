import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DELIVERY_HORIZON_MS, RETRY_AFTER_MS_MAX } from "../limits.ts";
import { PROFILE_NAMES, profileOf } from "../profiles/profile.ts";
import { nextAttempt, retryPolicyOf } from "./retry-policy.ts";

const ACCEPTED_AT_MS = 1_774_359_420_000;
const NO_WISH = undefined;

describe("retryPolicyOf", () => {
  it("takes the profile's schedule, with jitter", () => {
    for (const name of PROFILE_NAMES) {
      expect(retryPolicyOf(name, undefined)).toEqual({ delaysS: profileOf(name).retryDelaysS, jitter: true });
    }
  });

  it("takes the webhook's own schedule as it is, the empty one too", () => {
    expect(retryPolicyOf("standard", [1, 2])).toEqual({ delaysS: [1, 2], jitter: false });
    expect(retryPolicyOf("standard", [])).toEqual({ delaysS: [], jitter: false });
  });
});

describe("nextAttempt", () => {
  it("keeps an explicit schedule to the millisecond, whatever the roll", () => {
    const policy = retryPolicyOf("standard", [1, 2, 518_400]);
    fc.assert(
      fc.property(roll(), (roll) => {
        expect(nextAttempt(policy, 1, ACCEPTED_AT_MS, ACCEPTED_AT_MS, roll, NO_WISH)).toEqual(after(1_000));
        expect(nextAttempt(policy, 2, ACCEPTED_AT_MS, ACCEPTED_AT_MS, roll, NO_WISH)).toEqual(after(2_000));
        expect(nextAttempt(policy, 3, ACCEPTED_AT_MS, ACCEPTED_AT_MS, roll, NO_WISH)).toEqual(after(518_400_000));
      }),
    );
  });

  it("keeps a profile's delays within 20 % of what they say", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PROFILE_NAMES), fc.nat({ max: 8 }), roll(), (name, index, roll) => {
        const delayS = profileOf(name).retryDelaysS[index];
        fc.pre(delayS !== undefined);
        const policy = retryPolicyOf(name, undefined);
        const next = nextAttempt(policy, index + 1, ACCEPTED_AT_MS, ACCEPTED_AT_MS, roll, NO_WISH);
        const delayMs = next.kind === "at" ? next.atMs - ACCEPTED_AT_MS : Number.NaN;
        expect(delayMs).toBeGreaterThanOrEqual(delayS * 800);
        expect(delayMs).toBeLessThanOrEqual(delayS * 1_200);
      }),
    );
  });

  it.each([
    [0, 240_000],
    [0.5, 300_000],
    [1, 360_000],
  ])("spreads the jitter over the whole range: roll %d gives %i ms for 300 s", (roll, delayMs) => {
    const policy = retryPolicyOf("nextmv", undefined);
    expect(nextAttempt(policy, 2, ACCEPTED_AT_MS, ACCEPTED_AT_MS, roll, NO_WISH)).toEqual(after(delayMs));
  });

  it("ends after the schedule's last delay", () => {
    const none = { kind: "none", reason: "attempts_exhausted" };
    expect(nextAttempt(retryPolicyOf("myop", undefined), 1, ACCEPTED_AT_MS, ACCEPTED_AT_MS, 0, NO_WISH)).toEqual(none);
    const policy = retryPolicyOf("standard", [1, 2]);
    expect(nextAttempt(policy, 3, ACCEPTED_AT_MS, ACCEPTED_AT_MS, 0, NO_WISH)).toEqual(none);
    expect(nextAttempt(policy, 3, ACCEPTED_AT_MS, ACCEPTED_AT_MS, 0, 1_000)).toEqual(none);
  });

  it("takes the later of the schedule and the receiver's wish", () => {
    const policy = retryPolicyOf("standard", [60]);
    expect(nextAttempt(policy, 1, ACCEPTED_AT_MS, ACCEPTED_AT_MS, 0, 59_000)).toEqual(after(60_000));
    expect(nextAttempt(policy, 1, ACCEPTED_AT_MS, ACCEPTED_AT_MS, 0, 61_000)).toEqual(after(61_000));
  });

  it("counts from the failure and ends at the horizon, which counts from acceptance", () => {
    const policy = retryPolicyOf("standard", [60]);
    const lastFailureMs = ACCEPTED_AT_MS + DELIVERY_HORIZON_MS - 60_000;
    expect(nextAttempt(policy, 1, lastFailureMs, ACCEPTED_AT_MS, 0, NO_WISH)).toEqual(after(DELIVERY_HORIZON_MS));
    const expired = { kind: "none", reason: "expired" };
    expect(nextAttempt(policy, 1, lastFailureMs + 1, ACCEPTED_AT_MS, 0, NO_WISH)).toEqual(expired);
    expect(nextAttempt(policy, 1, lastFailureMs, ACCEPTED_AT_MS, 0, 60_001)).toEqual(expired);
  });

  it("never schedules past the horizon, nor before the failure", () => {
    const wish = fc.option(fc.integer({ min: 1_000, max: RETRY_AFTER_MS_MAX }), { nil: undefined });
    const delays = fc.array(fc.integer({ min: 1, max: 518_400 }), { maxLength: 10 });
    fc.assert(
      fc.property(delays, fc.boolean(), fc.integer({ min: 1, max: 11 }), fc.nat(), roll(), wish, (...input) => {
        const [delaysS, jitter, attempt, elapsedMs, roll, wishMs] = input;
        const failedAtMs = ACCEPTED_AT_MS + elapsedMs;
        const next = nextAttempt({ delaysS, jitter }, attempt, failedAtMs, ACCEPTED_AT_MS, roll, wishMs);
        if (next.kind === "none") return;
        expect(next.atMs).toBeLessThanOrEqual(ACCEPTED_AT_MS + DELIVERY_HORIZON_MS);
        expect(next.atMs).toBeGreaterThan(failedAtMs);
        expect(attempt).toBeLessThanOrEqual(delaysS.length);
      }),
    );
  });
});

const roll = () => fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const after = (delayMs: number) => ({ kind: "at", atMs: ACCEPTED_AT_MS + delayMs });
