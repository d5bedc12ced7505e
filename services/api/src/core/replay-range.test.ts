import { describe, expect, it } from "vitest";
import { REPLAYABLE_STATUSES, replayRangeOf } from "./replay-range.ts";

const NOW_MS = 1_000_000;

describe("the range of a replay", () => {
  it("ends now unless it says otherwise, and holds everything that has ended", () => {
    const range = { sinceMs: 1, untilMs: NOW_MS, statuses: REPLAYABLE_STATUSES, types: [] };
    expect(replayRangeOf({ since: 1 }, NOW_MS)).toEqual(range);
  });

  it("never ends in the future", () => {
    expect(replayRangeOf({ since: 1, until: NOW_MS + 5 }, NOW_MS)?.untilMs).toBe(NOW_MS);
    expect(replayRangeOf({ since: 1, until: NOW_MS - 5 }, NOW_MS)?.untilMs).toBe(NOW_MS - 5);
  });

  it.each([
    [NOW_MS, undefined],
    [NOW_MS + 1, undefined],
    [5, 5],
    [6, 5],
  ])("from %s to %s is empty", (since, until) => {
    expect(replayRangeOf({ since, until }, NOW_MS)).toBeUndefined();
  });

  it("names each status and each type once", () => {
    const range = replayRangeOf({ since: 1, status: ["skipped", "skipped"], types: ["a.*", "a.*", "b"] }, NOW_MS);
    expect(range).toMatchObject({ statuses: ["skipped"], types: ["a.*", "b"] });
    expect(replayRangeOf({ since: 1, status: "exhausted" }, NOW_MS)?.statuses).toEqual(["exhausted"]);
  });
});
