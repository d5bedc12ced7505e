import { expect, it } from "vitest";
import { QUIET_MS_MIN, quietForMs } from "./quiet-time.ts";

const USUAL_MS = 300_000;
const NOW_MS = 1_000_000;

it.each([
  ["a connection that was never lost", undefined, USUAL_MS],
  ["a reconnect just now", NOW_MS, QUIET_MS_MIN],
  ["a reconnect since when not all that was lost has stood still as usual", NOW_MS - USUAL_MS, QUIET_MS_MIN],
  ["a reconnect that is long past", NOW_MS - USUAL_MS - QUIET_MS_MIN, USUAL_MS],
])("after %s", (_, reconnectedAtMs, expected) => {
  expect(quietForMs(USUAL_MS, reconnectedAtMs, NOW_MS)).toBe(expected);
});
