import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextGroupSize, type Waiting } from "./group-commit.ts";

const LIMITS = { eventsMax: 4, bytesMax: 100, groupsInFlightMax: 2, loneInFlightMax: 5 };

const small: Waiting = { bytes: 10, isAlone: false };
const large: Waiting = { bytes: 60, isAlone: false };
const huge: Waiting = { bytes: 500, isAlone: false };
const lone: Waiting = { bytes: 10, isAlone: true };

describe("nextGroupSize", () => {
  it.each<[string, readonly Waiting[], number, number]>([
    ["nothing waits", [], 0, 0],
    ["an idle engine sends one event at once", [small], 0, 1],
    ["everything that is there goes together", [small, small, small], 1, 3],
    ["up to the number of events", [small, small, small, small, small], 0, 4],
    ["up to the bytes", [large, small, small, small, large], 0, 4],
    ["the event that would be too much stays", [large, large], 0, 1],
    ["an event larger than a message goes by itself", [huge, small], 0, 1],
    ["a group waits while enough groups are on their way", [small, small], 2, 0],
    ["a lone event does not", [lone, small], 2, 1],
    ["a lone event waits at its own bound", [lone], 5, 0],
    ["a group ends before a lone event", [small, small, lone, small], 0, 2],
  ])("%s", (_what, waiting, inFlight, size) => {
    expect(nextGroupSize(waiting, inFlight, LIMITS)).toBe(size);
  });

  it("never breaks a limit, never mixes lone events with others, and always gets through", () => {
    const event = fc.record({ bytes: fc.integer({ min: 1, max: 150 }), isAlone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let left = events;
        while (left.length > 0) {
          const size = nextGroupSize(left, 0, LIMITS);
          const group = left.slice(0, size);
          const bytes = group.reduce((sum, one) => sum + one.bytes, 0);
          expect(size).toBeGreaterThan(0);
          expect(size).toBeLessThanOrEqual(LIMITS.eventsMax);
          expect(size === 1 || bytes <= LIMITS.bytesMax).toBe(true);
          expect(size === 1 || group.every((one) => !one.isAlone)).toBe(true);
          left = left.slice(size);
        }
      }),
    );
  });
});
