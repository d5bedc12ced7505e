import { describe, expect, it } from "vitest";
import {
  type DrainPace,
  nextPace,
  PER_SECOND_AT_FIRST,
  PER_SECOND_MAX,
  rowsNow,
  spend,
  startPace,
} from "./drain-pace.ts";

const TICK_MS = 100;

type Receiver = {
  readonly perSecondMax: number;
  /** Of what comes at whatever pace, every so many-th is refused. */
  readonly refusesEvery?: number;
};

/** Drains as fast as the pace allows; the receiver says 429 to what comes above its rate. */
function drain(receiver: Receiver, seconds: number) {
  let pace = startPace(0, 0);
  let congested = 0;
  let total = 0;
  const perSecond: number[] = [];
  const refused: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    let [sent, refusals] = [0, 0];
    for (let atMs = second * 1_000; atMs < (second + 1) * 1_000; atMs += TICK_MS) {
      pace = nextPace(pace, { nowMs: atMs, congestedCount: congested, cameBack: 0 });
      const rows = rowsNow(pace);
      pace = spend(pace, rows);
      const every = receiver.refusesEvery ?? Number.POSITIVE_INFINITY;
      const atWhim = Math.floor((total + rows) / every) - Math.floor(total / every);
      total += rows;
      const accepted = Math.max(0, Math.min(rows - atWhim, receiver.perSecondMax - sent));
      sent += accepted;
      refusals += rows - accepted;
      congested += rows - accepted;
    }
    perSecond.push(sent);
    refused.push(refusals);
  }
  return { perSecond, refused, pace };
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);

describe("the pace of a drain", () => {
  it("doubles with every quiet second", () => {
    const paceAfter = (seconds: number) => drain({ perSecondMax: Number.POSITIVE_INFINITY }, seconds).pace.perSecond;
    expect([1, 2, 3, 4].map(paceAfter)).toEqual([10, 20, 40, 80]);
  });

  it("takes a backlog of 20,000 from a receiver that takes everything in half a minute", () => {
    expect(sumOf(drain({ perSecondMax: Number.POSITIVE_INFINITY }, 20).perSecond)).toBeGreaterThan(20_000);
    expect(drain({ perSecondMax: Number.POSITIVE_INFINITY }, 60).pace.perSecond).toBe(PER_SECOND_MAX);
  });

  it("settles at what the receiver takes: most of its rate, few refusals", () => {
    const { perSecond, refused } = drain({ perSecondMax: 100 }, 60);
    expect(sumOf(perSecond.slice(10)) / 50).toBeGreaterThan(65);
    expect(sumOf(refused.slice(10)) / sumOf(perSecond.slice(10))).toBeLessThan(0.1);
  });

  it("is not slowed by a receiver that refuses a few of a hundred whatever the pace", () => {
    expect(sumOf(drain({ perSecondMax: Number.POSITIVE_INFINITY, refusesEvery: 20 }, 20).perSecond)).toBeGreaterThan(
      15_000,
    );
    expect(drain({ perSecondMax: Number.POSITIVE_INFINITY, refusesEvery: 4 }, 60).pace.perSecond).toBeLessThan(10);
  });

  it("is halved once for all that was under way, and never stops", () => {
    let pace: DrainPace = { ...startPace(0, 0), perSecond: 64 };
    for (let tick = 1; tick <= 9; tick += 1) {
      pace = nextPace(pace, { nowMs: tick * TICK_MS, congestedCount: tick, cameBack: 0 });
    }
    expect(pace.perSecond).toBe(32);
    for (let tick = 10; tick <= 500; tick += 1) {
      pace = nextPace(pace, { nowMs: tick * TICK_MS, congestedCount: tick, cameBack: 0 });
    }
    expect(pace.perSecond).toBe(1);
  });

  it("is too much when what was released comes back parked", () => {
    const pace = nextPace(startPace(0, 0), { nowMs: 10, congestedCount: 0, cameBack: 1 });
    expect(pace.perSecond).toBe(PER_SECOND_AT_FIRST / 2);
  });

  it("goes on, and grows, when the clock was set back", () => {
    let pace = startPace(3_600_000, 0);
    let released = 0;
    for (let atMs = 0; atMs < 3_000; atMs += TICK_MS) {
      pace = nextPace(pace, { nowMs: atMs, congestedCount: 0, cameBack: 0 });
      released += rowsNow(pace);
      pace = spend(pace, rowsNow(pace));
    }
    expect(released).toBeGreaterThan(30);
    expect(pace.perSecond).toBeGreaterThan(PER_SECOND_AT_FIRST);
  });

  it("does not grow while it is not made use of", () => {
    let pace = startPace(0, 0);
    for (let tick = 1; tick <= 100; tick += 1) {
      pace = nextPace(pace, { nowMs: tick * 1_000, congestedCount: 0, cameBack: 0 });
    }
    expect(pace.perSecond).toBe(PER_SECOND_AT_FIRST);
    expect(rowsNow(pace)).toBe(PER_SECOND_AT_FIRST);
  });
});
