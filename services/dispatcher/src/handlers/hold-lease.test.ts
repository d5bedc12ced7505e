import { expect, it } from "vitest";
import { holdLease } from "./hold-lease.ts";

function leaseWith(leftMs: number) {
  let extensions = 0;
  const endsAtMs = performance.now() + leftMs;
  const isHeld = holdLease({ leaseEndsAtMs: () => endsAtMs, working: () => (extensions += 1) });
  return { isHeld, extensions };
}

it.each([
  ["with time left goes as it is", 60_000, true, 0],
  ["that is nearly over is extended first", 1_000, true, 1],
  ["that has ended is none, and is not asked for again", -1, false, 0],
])("a lease %s", (_case, leftMs, isHeld, extensions) => {
  expect(leaseWith(leftMs)).toEqual({ isHeld, extensions });
});
