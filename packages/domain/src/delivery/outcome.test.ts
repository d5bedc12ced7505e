import { describe, expect, it } from "vitest";
import { ERROR_CLASSES, outcomeOfStatus, parseErrorClass } from "./outcome.ts";

const NOW_MS = Date.parse("2026-03-24T13:37:00Z");

describe("outcomeOfStatus", () => {
  it.each([200, 201, 202, 204, 226, 299])("%i succeeds", (status) => {
    expect(outcomeOfStatus(status, undefined, NOW_MS)).toEqual({ kind: "succeeded" });
  });

  it.each([100, 101, 199, 300, 301, 302, 304, 307, 308, 400, 401, 404, 409, 422, 429, 500, 502, 503, 504, 599])(
    "%i fails and may be tried again",
    (status) => {
      expect(outcomeOfStatus(status, undefined, NOW_MS)).toEqual({
        kind: "failed",
        errorClass: "status",
        message: `receiver answered ${status}`,
        retryAfterMs: undefined,
      });
    },
  );

  it("410 ends the delivery, whatever it asks for", () => {
    expect(outcomeOfStatus(410, "60", NOW_MS)).toEqual({
      kind: "refused",
      errorClass: "status",
      message: "receiver answered 410",
      reason: "gone",
    });
  });

  it.each([
    [429, "60", 60_000],
    [503, "60", 60_000],
    [503, "Tue, 24 Mar 2026 13:38:00 GMT", 60_000],
    [503, "100000", 86_400_000],
    [429, "soon", undefined],
    // No other status may ask for a delay.
    [500, "60", undefined],
    [404, "60", undefined],
    [301, "60", undefined],
  ])("%i with Retry-After %s: the next attempt waits at least %s ms", (status, retryAfter, retryAfterMs) => {
    expect(outcomeOfStatus(status, retryAfter, NOW_MS)).toMatchObject({ kind: "failed", retryAfterMs });
  });
});

describe("parseErrorClass", () => {
  it("knows the classes of the contract", () => {
    const classes = ["dns", "connect", "tls", "timeout", "reset", "status", "blocked", "too_large", "unrepresentable"];
    expect(ERROR_CLASSES).toEqual(classes);
    expect(classes.map(parseErrorClass)).toEqual(classes);
  });

  it("knows no other", () => {
    for (const text of ["", "DNS", "unknown", "constructor"]) expect(parseErrorClass(text)).toBeUndefined();
  });
});
