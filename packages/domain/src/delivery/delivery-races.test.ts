import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "./decide.ts";
import { ACCEPTED_AT_MS, IDENTITY, stateAfter } from "./delivery.fixture.ts";
import { type Course, commandOf, course, play } from "./delivery-course.fixture.ts";
import { logEventId } from "./delivery-event.ts";
import { isFinal, stateOfWork } from "./delivery-state.ts";
import { evolve } from "./evolve.ts";

describe("a history in which something else is decided while an attempt is under way", () => {
  /** A person wants one more, or another process parks a copy of the work. */
  type Meanwhile = "retry" | "defer";

  /** The course; what is decided meanwhile comes into the log before the outcome of the attempt at that place. */
  function playWith(meanwhile: Meanwhile, course: Course, at: number) {
    const before = play({ ...course, steps: course.steps.slice(0, at) });
    const step = course.steps[at];
    if (step?.kind !== "attempt" || isFinal(before.state)) return undefined;
    const { attemptCount, release } = before.state.progress;
    const work = stateOfWork(attemptCount + 1, release);
    const nowMs = ACCEPTED_AT_MS + 1_000;
    const other = commandOf({ kind: "defer", forMs: 0 }, attemptCount + 1, course.policy, nowMs);
    const decided =
      meanwhile === "retry"
        ? decide(IDENTITY, { kind: "retry", by: "root" }, before.state, nowMs)
        : decide(IDENTITY, other, work, nowMs);
    const outcome = decide(IDENTITY, commandOf(step, attemptCount + 1, course.policy, nowMs), work, nowMs);
    const events = [...before.events, ...decided, ...outcome];
    return { events, state: stateAfter(events), isWanted: decided[0]?.kind === "delivery.retried" };
  }
  const played = (...kinds: readonly Meanwhile[]) =>
    fc
      .tuple(fc.constantFrom(...kinds), course(), fc.nat({ max: 11 }))
      .map(([meanwhile, course, at]) => playWith(meanwhile, course, at))
      .filter((played) => played !== undefined);

  it("waits for a time or has ended: nobody would carry it on otherwise", () => {
    fc.assert(
      fc.property(played("retry", "defer"), ({ events, state }) => {
        expect(["scheduled", "delivered", "exhausted"]).toContain(state.kind);
        for (const event of events) expect(evolve(state, event)).toEqual(state);
        expect(new Set(events.map(logEventId)).size).toBe(events.length);
      }),
    );
  });

  it("still has the attempt to come that somebody wanted, unless it is delivered", () => {
    fc.assert(
      fc.property(played("retry"), ({ events, state, isWanted }) => {
        fc.pre(isWanted && state.kind !== "delivered");
        const wanted = events.find((event) => event.kind === "delivery.retried");
        expect(state).toMatchObject({ kind: "scheduled", nextAtMs: wanted?.atMs, isOnly: false });
        expect(state.progress).toMatchObject({ attemptCount: wanted?.attempt, release: wanted?.release });
      }),
    );
  });
});
