import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlotTimes } from "./slot-times.ts";

describe("SlotTimes", () => {
  it("gives out what is due, the earliest first, and those of one moment in their order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.nat(20), (times, nowMs) => {
        const slots = new SlotTimes<{ atMs: number; index: number }>();
        times.forEach((atMs, index) => {
          slots.add(atMs, { atMs, index });
        });
        expect(slots.nextAtMs).toBe(times.length === 0 ? undefined : Math.min(...times));
        const inOrder = times
          .map((atMs, index) => ({ atMs, index }))
          .sort((left, right) => left.atMs - right.atMs || left.index - right.index);
        expect(slots.takeDue(nowMs)).toEqual(inOrder.filter(({ atMs }) => atMs <= nowMs));
        expect(slots.size).toBe(inOrder.filter(({ atMs }) => atMs > nowMs).length);
        expect([...slots.entries()]).toHaveLength(slots.size);
        expect(slots.drain()).toEqual(inOrder.filter(({ atMs }) => atMs > nowMs));
        expect(slots.size).toBe(0);
      }),
    );
  });
});
