import { describe, expect, it } from "vitest";
import { type DurableSituation, judgeDurable } from "./durable-health.ts";

const NOW_MS = 1_750_000_000_000;
const HOUR_MS = 3_600_000;
const seen = (sequence: number, storedAtMs: number) => ({ sequence, storedAtMs });

function situation(changes: Partial<DurableSituation> = {}): DurableSituation {
  return {
    durable: { deliveredSequence: 20, ackFloor: 18, unacknowledged: 0 },
    stream: { epochMs: 1, firstSequence: 1, lastSequence: 30, isWorkQueue: false },
    remembered: { epochMs: 1, ackFloor: 17, newest: seen(20, NOW_MS - 1_000) },
    atNewest: seen(20, NOW_MS - 1_000),
    next: seen(19, NOW_MS - 1_500),
    nowMs: NOW_MS,
    ...changes,
  };
}
const cutOffAt = (lastSequence: number) => ({ ...situation().stream, lastSequence });
const queue = { ...situation().stream, isWorkQueue: true };

describe("a durable that is missing", () => {
  it("begins behind what was worked off, as far as that is known of this very stream", () => {
    const found = judgeDurable(situation({ durable: undefined }));
    expect(found).toEqual({ kind: "missing", from: { kind: "sequence", sequence: 18 } });
  });

  it.each([
    ["nothing is remembered", { remembered: undefined }],
    ["another stream is remembered", { remembered: { epochMs: 2, ackFloor: 17, newest: undefined } }],
    ["the stream has lost what was worked off", { stream: cutOffAt(16) }],
    ["it reads a work queue", { stream: queue }],
  ])("begins with everything when %s", (_case, changes) => {
    const found = judgeDurable(situation({ durable: undefined, ...changes }));
    expect(found).toEqual({ kind: "missing", from: { kind: "all" } });
  });
});

describe("a durable that is there", () => {
  it.each([
    ["that stands where the stream ends", { stream: cutOffAt(20) }],
    [
      "whose newest message the stream has dropped with age",
      { stream: { ...situation().stream, firstSequence: 21 }, atNewest: undefined },
    ],
    ["of which nothing is remembered", { remembered: undefined }],
    ["of a work queue that holds what is not worked off", { stream: queue, next: seen(19, 1), atNewest: undefined }],
  ])("is sound: one %s", (_case, changes) => {
    expect(judgeDurable(situation(changes))).toEqual({ kind: "sound" });
  });

  it.each([
    ["the stream ends before it", { stream: cutOffAt(19) }],
    ["another message stands where the newest one was", { atNewest: seen(20, NOW_MS) }],
    ["no message stands where the newest one was", { atNewest: undefined }],
  ])("is behind the times when %s", (_case, changes) => {
    expect(judgeDurable(situation(changes)).kind).toBe("behind-the-times");
  });

  it("begins with everything when a work queue lost its end", () => {
    const found = judgeDurable(situation({ stream: { ...queue, lastSequence: 19 } }));
    expect(found).toMatchObject({ kind: "behind-the-times", from: { kind: "all" } });
  });

  it("begins with everything when a work queue holds what it had passed, unless somebody may have that in hand", () => {
    const held = situation({ stream: queue, next: seen(18, NOW_MS) });
    expect(judgeDurable(held)).toMatchObject({ kind: "behind-the-times", from: { kind: "all" } });
    const inHand = { deliveredSequence: 20, ackFloor: 18, unacknowledged: 1 };
    expect(judgeDurable({ ...held, durable: inHand })).toEqual({ kind: "sound" });
  });

  it("begins at its floor when what stands there is old, so that nothing is left out that was in hand", () => {
    const found = judgeDurable(situation({ stream: cutOffAt(19), next: seen(19, NOW_MS - HOUR_MS) }));
    expect(found).toMatchObject({ from: { kind: "sequence", sequence: 19 } });
  });

  it("begins with what came since its newest message when the floor itself was lost", () => {
    const found = judgeDurable(situation({ stream: cutOffAt(10), next: undefined }));
    expect(found).toMatchObject({ from: { kind: "time", atMs: NOW_MS - 61_000 } });
  });

  it("begins with the last hour when this process remembers nothing of it", () => {
    const found = judgeDurable(situation({ stream: cutOffAt(10), next: undefined, remembered: undefined }));
    expect(found).toMatchObject({ from: { kind: "time", atMs: NOW_MS - HOUR_MS } });
  });
});
