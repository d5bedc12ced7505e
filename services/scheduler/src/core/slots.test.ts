import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freeSlots, HANDOVER_MS, SLOT_WIDTH_MS, slotSpacingMs, takeSlots } from "./slots.ts";

/** How far one request may be shifted against another: anywhere in its slot, and on the way to the receiver. */
const SHIFT_MS_MAX = SLOT_WIDTH_MS + 20;
const NOW_MS = 1_750_000_000_000;

function mostInAnySecond(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  return Math.max(...sorted.map((fromMs) => sorted.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length));
}

describe("slots", () => {
  it("keep any second within the rate and a tenth, wherever in its slot each request leaves", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 300, maxLength: 300 }),
        (ratePerS, offset, shifts) => {
          const { slots } = takeSlots(ratePerS, NOW_MS + offset, shifts.length);
          const arrivals = slots.map(({ fromMs }, index) => fromMs + (shifts[index] ?? 0) * (SHIFT_MS_MAX - 1));
          expect(mostInAnySecond(arrivals)).toBeLessThanOrEqual(Math.floor(ratePerS * 1.1 + 1e-9));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("cost no more than a tenth of the rate, from five requests per second on", () => {
    for (const ratePerS of [10, 50, 100, 1_000, 10_000]) expect(slotSpacingMs(ratePerS)).toBeCloseTo(1_000 / ratePerS);
    for (const ratePerS of [1, 2, 5, 9]) expect(1_000 / slotSpacingMs(ratePerS)).toBeGreaterThan(ratePerS * 0.9);
  });

  it("are handed out one behind the other, whatever the rounds", () => {
    const rounds = [0, 90, 110, 400, 405, 900];
    let nextMs: number | undefined;
    const all: number[] = [];
    for (const afterMs of rounds) {
      const { firstMs, count } = freeSlots(50, { nextMs, nowMs: NOW_MS + afterMs, notBeforeMs: 0, aheadMs: 0 });
      const taken = takeSlots(50, firstMs, count);
      nextMs = count === 0 ? nextMs : taken.nextMs;
      all.push(...taken.slots.map(({ fromMs }) => fromMs));
    }
    for (const [index, fromMs] of all.entries()) {
      if (index > 0) expect(fromMs - (all[index - 1] ?? 0)).toBeGreaterThanOrEqual(19);
    }
    expect(all[0]).toBe(NOW_MS + 300);
    expect(all.at(-1)).toBeLessThan(NOW_MS + 900 + 500);
  });

  it("do not add up while nothing waits", () => {
    expect(freeSlots(50, { nextMs: NOW_MS - 60_000, nowMs: NOW_MS, notBeforeMs: 0, aheadMs: 0 })).toEqual({
      firstMs: NOW_MS + 300,
      count: 10,
    });
  });

  it("go on when the clock was set back", () => {
    const { firstMs, count } = freeSlots(1, { nextMs: undefined, nowMs: NOW_MS, notBeforeMs: 0, aheadMs: 1_000 });
    const { nextMs } = takeSlots(1, firstMs, count);
    expect(freeSlots(1, { nextMs, nowMs: NOW_MS, notBeforeMs: 0, aheadMs: 1_000 }).count).toBe(0);
    const anHourBack = { nextMs, nowMs: NOW_MS - 3_600_000, notBeforeMs: 0, aheadMs: 1_000 };
    expect(freeSlots(1, anHourBack)).toEqual({ firstMs: NOW_MS - 3_600_000 + 300, count });
  });

  it("begin behind everything that a former owner may have handed out", () => {
    const range = { nextMs: undefined, nowMs: NOW_MS, notBeforeMs: NOW_MS + HANDOVER_MS, aheadMs: 0 };
    expect(freeSlots(50, range).count).toBe(0);
    expect(freeSlots(50, { ...range, nowMs: NOW_MS + HANDOVER_MS - 400 }).firstMs).toBe(NOW_MS + HANDOVER_MS);
  });
});
