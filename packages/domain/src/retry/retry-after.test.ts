import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseRetryAfterMs } from "./retry-after.ts";

const NOW_MS = Date.parse("1994-11-06T08:48:37Z");

// A date without a zone is in GMT, wherever this runs.
beforeAll(() => vi.stubEnv("TZ", "America/New_York"));
afterAll(() => vi.unstubAllEnvs());

describe("parseRetryAfterMs", () => {
  it.each([
    ["1", 1_000],
    ["120", 120_000],
    [" 120 ", 120_000],
    ["007", 7_000],
    ["86400", 86_400_000],
    // Clamped to 1 s - 24 h.
    ["0", 1_000],
    ["86401", 86_400_000],
    ["9".repeat(400), 86_400_000],
  ])("reads %s as seconds: %i ms", (text, delayMs) => {
    expect(parseRetryAfterMs(text, NOW_MS)).toBe(delayMs);
  });

  it.each([
    // The three forms of RFC 9110, one minute ahead.
    ["Sun, 06 Nov 1994 08:49:37 GMT", 60_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 60_000],
    ["Sun Nov  6 08:49:37 1994", 60_000],
    // Clamped, and a date in the past means the shortest delay.
    ["Sun, 06 Nov 1994 08:48:37 GMT", 1_000],
    ["Sat, 05 Nov 1994 08:48:37 GMT", 1_000],
    ["Tue, 08 Nov 1994 08:48:37 GMT", 86_400_000],
    ["Tuesday, 08-Nov-94 08:48:37 GMT", 86_400_000],
  ])("reads %s as a date: %i ms", (text, delayMs) => {
    expect(parseRetryAfterMs(text, NOW_MS)).toBe(delayMs);
  });

  it("reads every day's name", () => {
    for (let day = 1; day <= 7; day += 1) {
      const atMs = NOW_MS + day * 3_000_000;
      expect(parseRetryAfterMs(new Date(atMs).toUTCString(), NOW_MS)).toBe(day * 3_000_000);
    }
  });

  it.each([
    "",
    " ",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x10",
    "soon",
    "Sun",
    "Sun, 99 Foo 1994 99:99:99 GMT",
    "1994-11-06T08:49:37Z",
  ])("ignores %j", (text) => {
    expect(parseRetryAfterMs(text, NOW_MS)).toBeUndefined();
  });

  it("is within its bounds or nothing, whatever a receiver sends", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
        (text) => {
          const delayMs = parseRetryAfterMs(text, NOW_MS) ?? 1_000;
          expect(delayMs).toBeGreaterThanOrEqual(1_000);
          expect(delayMs).toBeLessThanOrEqual(86_400_000);
        },
      ),
    );
  });
});
