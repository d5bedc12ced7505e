import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callerIdProblem, eventTimestamp, eventTypeProblem, timestampProblem } from "./event.ts";

describe("eventTypeProblem", () => {
  it.each(["agent", "agent.run.done", "A-b_9", "-", "x".repeat(128)])("accepts %s", (type) => {
    expect(eventTypeProblem(type)).toBeUndefined();
  });

  it.each(["", "x".repeat(129)])("refuses %j by its length", (type) => {
    expect(eventTypeProblem(type)).toBe(`must have 1 to 128 characters, has ${type.length}`);
  });

  it.each([".", ".agent", "agent.", "agent..run", "agent.*", "*", "agent run", "agent\n", "é", "a/b", "a:b"])(
    "refuses %j by its characters",
    (type) => {
      expect(eventTypeProblem(type)).toBe("must be tokens of letters, digits, _ or - joined by single dots");
    },
  );
});

describe("callerIdProblem", () => {
  it.each(["1", "order:42/a=b", "~", "!", "x".repeat(128)])("accepts %s", (id) => {
    expect(callerIdProblem(id)).toBeUndefined();
  });

  it.each(["", "x".repeat(129)])("refuses %j by its length", (id) => {
    expect(callerIdProblem(id)).toBe(`must have 1 to 128 characters, has ${id.length}`);
  });

  it.each(["a b", " a", "a\n", "\u0000", "\u007f", "é"])("refuses %j by its characters", (id) => {
    expect(callerIdProblem(id)).toBe("must consist of visible ASCII characters");
  });
});

describe("timestampProblem", () => {
  it.each([
    "2026-03-24T13:37:00Z",
    "2026-03-24t13:37:00z",
    "2026-03-24T13:37:00.123456789Z",
    "2026-03-24T13:37:00+00:00",
    "2026-03-24T13:37:00-23:59",
    "2024-02-29T23:59:59Z",
    "2000-02-29T00:00:00Z",
    "0001-01-01T00:00:00Z",
  ])("accepts %s", (text) => {
    expect(timestampProblem(text)).toBeUndefined();
  });

  it.each([
    "",
    "now",
    "1774359420",
    "2026-03-24",
    "2026-03-24 13:37:00Z",
    "2026-03-24T13:37Z",
    "2026-03-24T13:37:00",
    "2026-03-24T13:37:00.Z",
    "2026-03-24T13:37:00+0100",
    "2026-03-24T13:37:00+24:00",
    "2026-03-24T13:37:00+01:60",
    "2026-03-24T13:37:00Z\n",
    `2026-03-24T13:37:00.${"0".repeat(60)}Z`,
    // Not on the calendar or the clock.
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-04-31T00:00:00+02:00",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-03-24T24:00:00Z",
    "2026-03-24T23:60:00Z",
    "2026-03-24T23:59:60Z",
  ])("refuses %j", (text) => {
    expect(timestampProblem(text)).toMatch(/^must be an RFC 3339 date and time/);
  });

  it("accepts every time that JavaScript writes", () => {
    const dates = fc.date({
      noInvalidDate: true,
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date(253402300799999),
    });
    fc.assert(
      fc.property(dates, (date) => {
        expect(timestampProblem(date.toISOString())).toBeUndefined();
      }),
    );
  });
});

describe("eventTimestamp", () => {
  const acceptedAtMs = Date.parse("2026-03-24T13:37:00.5Z");

  it("is the caller's text verbatim", () => {
    expect(eventTimestamp({ timestamp: "2026-03-24t13:37:00+01:00", acceptedAtMs })).toBe("2026-03-24t13:37:00+01:00");
  });

  it("is the time of acceptance when the caller gave none", () => {
    expect(eventTimestamp({ timestamp: undefined, acceptedAtMs })).toBe("2026-03-24T13:37:00.500Z");
  });
});
