import { expect, test } from "vitest";
import { countEarlyEnd, RESTART_DELAY_MS_MAX, restartDelayMs, STABLE_AFTER_MS } from "./restart-policy.ts";

test("the first restart comes at once, later ones ever later, never beyond the maximum", () => {
  expect([1, 2, 3, 4, 5, 6, 100].map(restartDelayMs)).toEqual([0, 100, 200, 400, 800, 1_500, 1_500]);
  expect(RESTART_DELAY_MS_MAX).toBeLessThan(2_000);
});

test("a long run wipes the slate clean", () => {
  expect(countEarlyEnd(7, STABLE_AFTER_MS)).toBe(0);
  expect(countEarlyEnd(7, STABLE_AFTER_MS - 1)).toBe(8);
});
