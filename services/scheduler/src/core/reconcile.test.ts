import { describe, expect, it } from "vitest";
import { hasLostItsWork, type QueueFacts } from "./reconcile.ts";

const queue: QueueFacts = { matchedUpTo: { epochMs: 1, sequence: 100 }, oldestQueuedAtMs: undefined };
const place = { epochMs: 1, sequence: 100, index: 0 };
const MINUTE_MS = 60_000;

describe("hasLostItsWork", () => {
  it("is lost when nothing is queued that could be it", () => {
    expect(hasLostItsWork({ place, lastEventAtMs: 0 }, queue)).toBe(true);
  });

  it("is not lost while the matcher may still publish it", () => {
    expect(hasLostItsWork({ place: { ...place, sequence: 101 }, lastEventAtMs: 0 }, queue)).toBe(false);
  });

  it("is not lost while something as old is queued", () => {
    expect(hasLostItsWork({ place, lastEventAtMs: 0 }, { ...queue, oldestQueuedAtMs: MINUTE_MS })).toBe(false);
    expect(hasLostItsWork({ place, lastEventAtMs: 0 }, { ...queue, oldestQueuedAtMs: MINUTE_MS + 1 })).toBe(true);
  });

  it("goes by the queue alone when its event is of another epoch of INGEST", () => {
    expect(hasLostItsWork({ place: { epochMs: 9, sequence: 5_000, index: 0 }, lastEventAtMs: 0 }, queue)).toBe(true);
  });
});
