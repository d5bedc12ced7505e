import { describe, expect, it } from "vitest";
import {
  FIRST_PASS,
  hasLostItsWork,
  nextPass,
  type OpenDelivery,
  type Queue,
  type QueueFacts,
  withLook,
  withoutSightings,
} from "./reconcile.ts";

const empty: Queue = { epochMs: 1, lastSequence: 50, oldestSequence: undefined };
const facts: QueueFacts = { matchedUpTo: { epochMs: 1, sequence: 100 }, ingestEnd: 200, deliver: empty, retry: empty };
const open = { workId: "w", place: { epochMs: 1, sequence: 100, index: 0 } };

const queue = (changes: Partial<Queue>): Queue => ({ ...empty, ...changes });
/** The queues when they had come this far, with nothing in them. */
const at = (lastSequence: number): QueueFacts => ({
  ...facts,
  deliver: queue({ lastSequence }),
  retry: queue({ lastSequence }),
});
const look = (pass: typeof FIRST_PASS, open: readonly OpenDelivery[], queues = facts) => withLook(pass, open, queues);
const seenAt = (pass: typeof FIRST_PASS, workId: string) => pass.now.get(workId)?.deliver.lastSequence;

describe("a pass over the open deliveries", () => {
  it("remembers where the queues ended when a delivery was first seen, from one pass to the next", () => {
    const first = look(FIRST_PASS, [open], at(5));
    const second = look(nextPass(first), [open], at(1_000));
    expect(second.now).toEqual(
      new Map([["w", { deliver: { epochMs: 1, lastSequence: 5 }, retry: { epochMs: 1, lastSequence: 5 } }]]),
    );
  });

  it("takes several looks, of which none forgets what another saw", () => {
    const other = { ...open, workId: "other" };
    const first = look(look(FIRST_PASS, [open], at(5)), [other], at(6));
    const halfway = look(nextPass(first), [open], at(1_000));
    const whole = look(halfway, [other], at(1_000));
    expect([seenAt(whole, "w"), seenAt(whole, "other"), whole.now.size]).toEqual([5, 6, 2]);
  });

  it("forgets what is no longer open, and what waits for another attempt or release by now", () => {
    const seen = look(FIRST_PASS, [open], at(5));
    expect(seenAt(look(nextPass(nextPass(seen)), [open], at(1_000)), "w")).toBe(1_000);
    expect(seenAt(look(nextPass(seen), [{ ...open, workId: "next" }], at(1_000)), "w")).toBe(undefined);
  });

  it("sees anew what was made again", () => {
    const seen = withoutSightings(look(nextPass(look(FIRST_PASS, [open], at(5))), [open], at(6)), ["w"]);
    expect(seen.now.size).toBe(0);
    expect(seenAt(look(seen, [open], at(7)), "w")).toBe(7);
  });

  it("goes by the new end of a queue that has lost its own", () => {
    const first = look(FIRST_PASS, [open], at(1_000));
    expect(seenAt(look(nextPass(first), [open], at(20)), "w")).toBe(20);
  });

  it("sees nothing that the matcher may still publish", () => {
    const coming = { ...open, place: { ...open.place, sequence: 101 } };
    expect(look(FIRST_PASS, [coming]).now.size).toBe(0);
  });

  it.each([
    ["another epoch of INGEST", { epochMs: 9, sequence: 150, index: 0 }],
    ["an end that INGEST has lost", { epochMs: 1, sequence: 201, index: 0 }],
  ])("sees what is of %s: no matcher will come back to it", (_case, place) => {
    expect(look(FIRST_PASS, [{ ...open, place }]).now.has("w")).toBe(true);
  });
});

describe("hasLostItsWork", () => {
  const seen = look(FIRST_PASS, [open], at(50));
  const later = { lastSequence: 90 };

  it("is lost when nothing is queued that could be it", () => {
    expect(hasLostItsWork("w", seen, facts)).toBe(true);
  });

  it("is not lost when it has not been seen", () => {
    expect(hasLostItsWork("other", seen, facts)).toBe(false);
  });

  it.each(["deliver", "retry"] as const)("is not lost while %s holds what may be as old as its sighting", (name) => {
    const holding = (oldestSequence: number) => ({ ...facts, [name]: queue({ ...later, oldestSequence }) });
    expect(hasLostItsWork("w", seen, holding(1))).toBe(false);
    expect(hasLostItsWork("w", seen, holding(50))).toBe(false);
    expect(hasLostItsWork("w", seen, holding(51))).toBe(true);
  });

  it("is lost when the queue that it was in was made anew", () => {
    const anew = queue({ epochMs: 2, lastSequence: 10, oldestSequence: 1 });
    expect(hasLostItsWork("w", seen, { ...facts, deliver: anew })).toBe(true);
  });
});
