import { describe, expect, it } from "vitest";
import { FIRST_PASS, hasLostItsWork, nextPass, type OpenDelivery, type QueueFacts, withLook } from "./reconcile.ts";

const NOW_MS = 10_000_000;
const MINUTE_MS = 60_000;
const emptyQueue: QueueFacts = { matchedUpTo: { epochMs: 1, sequence: 100 }, oldestQueuedAtMs: undefined };
const open = { workId: "w", place: { epochMs: 1, sequence: 100, index: 0 } };

/** When each work id was first seen, after one more look. */
const look = (pass: typeof FIRST_PASS, open: readonly OpenDelivery[], nowMs: number, queue = emptyQueue) =>
  withLook(pass, open, queue, nowMs);

describe("a pass over the open deliveries", () => {
  it("remembers when a delivery was first seen, from one pass to the next", () => {
    const first = look(FIRST_PASS, [open], 5);
    const second = look(nextPass(first), [open], NOW_MS);
    expect(second.now).toEqual(new Map([["w", 5]]));
  });

  it("takes several looks, of which none forgets what another saw", () => {
    const other = { ...open, workId: "other" };
    const first = look(look(FIRST_PASS, [open], 5), [other], 6);
    const halfway = look(nextPass(first), [open], NOW_MS);
    const whole = look(halfway, [other], NOW_MS);
    expect(whole.now).toEqual(
      new Map([
        ["w", 5],
        ["other", 6],
      ]),
    );
  });

  it("forgets what is no longer open, and what waits for another attempt or release by now", () => {
    const seen = look(FIRST_PASS, [open], 5);
    expect(look(nextPass(nextPass(seen)), [open], NOW_MS).now.get("w")).toBe(NOW_MS);
    expect(look(nextPass(seen), [{ ...open, workId: "next" }], NOW_MS).now.get("w")).toBe(undefined);
  });

  it("sees nothing that the matcher may still publish", () => {
    const coming = { ...open, place: { ...open.place, sequence: 101 } };
    expect(look(FIRST_PASS, [coming], NOW_MS).now.size).toBe(0);
  });

  it("sees what is of another epoch of INGEST: no matcher will come back to it", () => {
    const foreign = { ...open, place: { epochMs: 9, sequence: 5_000, index: 0 } };
    expect(look(FIRST_PASS, [foreign], NOW_MS).now.has("w")).toBe(true);
  });
});

describe("hasLostItsWork", () => {
  const seen = look(FIRST_PASS, [open], NOW_MS);

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
