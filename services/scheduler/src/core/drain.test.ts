import { describe, expect, it } from "vitest";
import { type Drain, drained } from "./drain.ts";
import { nextPace, rowsNow, startPace } from "./drain-pace.ts";

const TICK_MS = 100;
const NAMES = Array.from({ length: 800 }, (_, index) => `delivery-${index}`);

/** Releases from the front of the queue for some seconds. */
function drainFor(seconds: number, begin: Drain, queue: string[], fromMs: number): Drain {
  let drain = begin;
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1_000; nowMs += TICK_MS) {
    const pace = nextPace(drain.pace, { nowMs, congestedCount: 0, cameBack: 0 });
    drain = { ...drain, pace };
    const rows = queue.splice(0, rowsNow(pace));
    if (rows.length > 0) drain = drained(drain, rows, 0, nowMs);
  }
  return drain;
}

describe("a drain", () => {
  it("slows down when what it released comes back, and gets through a wave of which all did, but once", () => {
    const afterWave: Drain = { pace: startPace(0, 0), lately: new Set(NAMES) };
    const queue = [...NAMES];
    const slower = drainFor(0.5, afterWave, queue, 1_000);
    expect(slower.pace.perSecond).toBeLessThan(afterWave.pace.perSecond);
    drainFor(60, slower, queue, 1_500);
    expect(queue).toEqual([]);
  });

  it("goes on slowing down while everything comes back", () => {
    let drain: Drain = { pace: startPace(0, 0), lately: new Set() };
    for (let second = 0; second < 30; second += 1) {
      drain = drainFor(1, drain, NAMES.slice(0, 1), second * 1_000);
    }
    expect(drain.pace.perSecond).toBe(1);
  });
});
