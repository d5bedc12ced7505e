import { expect, it } from "vitest";
import { CROWD, INTERVAL_MS_MAX, INTERVAL_MS_MIN, intervalMsAfter } from "./batch-interval.ts";

it("is longer behind a crowd only", () => {
  expect([0, 1, CROWD - 1].map(intervalMsAfter)).toEqual([INTERVAL_MS_MIN, INTERVAL_MS_MIN, INTERVAL_MS_MIN]);
  expect([CROWD, 2_000].map(intervalMsAfter)).toEqual([INTERVAL_MS_MAX, INTERVAL_MS_MAX]);
});
