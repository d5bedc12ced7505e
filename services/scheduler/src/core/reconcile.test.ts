import { describe, expect, it } from "vitest";
import { hasLostItsWork, type QueueFacts, sightingsNow } from "./reconcile.ts";

const NOW_MS = 10_000_000;
const MINUTE_MS = 60_000;
const emptyQueue: QueueFacts = { matchedUpTo: { epochMs: 1, sequence: 100 }, oldestQueuedAtMs: undefined };
const open = { workId: "w", place: { epochMs: 1, sequence: 100, index: 0 } };
const nothing = new Map<string, number>();

describe("sightingsNow", () => {
  it("remembers when a delivery was first seen", () => {
    expect(sightingsNow(nothing, [open], emptyQueue, NOW_MS)).toEqual(new Map([["w", NOW_MS]]));
    expect(sightingsNow(new Map([["w", 5]]), [open], emptyQueue, NOW_MS)).toEqual(new Map([["w", 5]]));
  });

  it("forgets what is no longer open, and what waits for another attempt or release by now", () => {
    expect(sightingsNow(new Map([["w", 5]]), [], emptyQueue, NOW_MS)).toEqual(nothing);
    expect(sightingsNow(new Map([["w", 5]]), [{ ...open, workId: "next" }], emptyQueue, NOW_MS).get("w")).toBe(
      undefined,
    );
  });

  it("sees nothing that the matcher may still publish", () => {
    const coming = { ...open, place: { ...open.place, sequence: 101 } };
    expect(sightingsNow(nothing, [coming], emptyQueue, NOW_MS)).toEqual(nothing);
  });

  it("sees what is of another epoch of INGEST: no matcher will come back to it", () => {
    const foreign = { ...open, place: { epochMs: 9, sequence: 5_000, index: 0 } };
    expect(sightingsNow(nothing, [foreign], emptyQueue, NOW_MS).has("w")).toBe(true);
  });
});

describe("hasLostItsWork", () => {
  const seen = new Map([["w", NOW_MS]]);

  it("is lost when nothing is queued that could be it", () => {
    expect(hasLostItsWork("w", seen, emptyQueue)).toBe(true);
  });

  it("is not lost when it has not been seen", () => {
    expect(hasLostItsWork("other", seen, emptyQueue)).toBe(false);
  });

  it("is not lost while something is queued that may be as old as its sighting", () => {
    const queuedAt = (oldestQueuedAtMs: number) => ({ ...emptyQueue, oldestQueuedAtMs });
    expect(hasLostItsWork("w", seen, queuedAt(NOW_MS - 1))).toBe(false);
    expect(hasLostItsWork("w", seen, queuedAt(NOW_MS + MINUTE_MS))).toBe(false);
    expect(hasLostItsWork("w", seen, queuedAt(NOW_MS + MINUTE_MS + 1))).toBe(true);
  });
});
