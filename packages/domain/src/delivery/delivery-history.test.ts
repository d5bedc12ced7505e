import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DELIVERY_HORIZON_MS } from "../limits.ts";
import { type DeliveryCommand, decide } from "./decide.ts";
import { ACCEPTED_AT_MS, failed, IDENTITY, stateAfter, succeeded } from "./delivery.fixture.ts";
import {
  type Course,
  commandOf,
  course,
  isOutcome,
  outcome,
  play,
  type Step,
  step,
} from "./delivery-course.fixture.ts";
import { logEventId } from "./delivery-event.ts";
import { type DeliveryState, isFinal, UNKNOWN_DELIVERY } from "./delivery-state.ts";
import { evolve } from "./evolve.ts";
import type { AttemptOutcome } from "./outcome.ts";

describe("a history that was decided command by command", () => {
  it("makes at most the attempts of its policy", () => {
    fc.assert(
      fc.property(course(), (course) => {
        const { events } = play(course);
        const numbers = events.flatMap((event) => (isOutcome(event) ? [event.attempt.number] : []));
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
        expect(numbers.length).toBeLessThanOrEqual(course.policy.delaysS.length + 1);
      }),
    );
  });

  it("ends once, and only when no attempt is to come", () => {
    fc.assert(
      fc.property(course(), (course) => {
        const { events, state } = play(course);
        const ends = events.filter((event) => isFinal(evolve(UNKNOWN_DELIVERY, event)));
        expect(ends.length).toBe(isFinal(state) ? 1 : 0);
        // What has not ended waits for its first attempt, for a time or for its receiver.
        if (!isFinal(state)) expect(["unknown", "pending", "scheduled", "parked"]).toContain(state.kind);
        if (state.kind === "pending") expect(state.progress.attemptCount).toBe(0);
      }),
    );
  });

  it("schedules and parks nothing past the horizon", () => {
    fc.assert(
      fc.property(course(), (course) => {
        const { events, state } = play(course);
        for (const event of events) {
          if (event.kind !== "attempt.failed" || event.nextAtMs === undefined) continue;
          expect(event.nextAtMs).toBeLessThanOrEqual(ACCEPTED_AT_MS + DELIVERY_HORIZON_MS);
        }
        if (state.kind === "parked")
          expect(state.notBeforeMs).toBeLessThanOrEqual(ACCEPTED_AT_MS + DELIVERY_HORIZON_MS);
      }),
    );
  });

  it("gives every happening an id of its own", () => {
    fc.assert(
      fc.property(course(), (course) => {
        const ids = play(course).events.map(logEventId);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });
});

describe("the fold of a history", () => {
  it("is the state that the decisions were made in", () => {
    fc.assert(
      fc.property(course(), (course) => {
        const { events, state } = play(course);
        expect(stateAfter(events)).toEqual(state);
      }),
    );
  });

  it("is idempotent: reading the same record again changes nothing", () => {
    fc.assert(
      fc.property(course(), fc.nat(), (course, cut) => {
        const { events } = play(course);
        const state = stateAfter(events.slice(0, cut % (events.length + 1)));
        for (const event of events) {
          const once = evolve(state, event);
          expect(evolve(once, event)).toEqual(once);
        }
      }),
    );
  });

  it("is the same when any records are read again later", () => {
    fc.assert(
      fc.property(course(), fc.array(fc.tuple(fc.nat(), fc.nat())), (course, copies) => {
        const { events, state } = play(course);
        const disturbed = [...events];
        for (const [from, distance] of copies) {
          const index = from % Math.max(disturbed.length, 1);
          const copy = disturbed[index];
          if (copy !== undefined) disturbed.splice(index + 1 + (distance % (disturbed.length - index)), 0, copy);
        }
        expect(stateAfter(disturbed)).toEqual(state);
      }),
    );
  });

  it("is the same wherever its creation is read", () => {
    fc.assert(
      fc.property(course(), fc.nat(), (course, place) => {
        const { events, state } = play(course);
        const [creation, ...rest] = events;
        fc.pre(creation?.kind === "delivery.created");
        expect(stateAfter(rest.toSpliced(place % (rest.length + 1), 0, creation))).toEqual(state);
      }),
    );
  });

  it("differs by nothing but the count of repeats when attempts are made twice", () => {
    fc.assert(
      fc.property(course(), fc.nat(), fc.boolean(), (course, which, succeeds) => {
        const { events, state } = play(course);
        const outcomes = events.filter(isOutcome);
        const original = outcomes[which % Math.max(outcomes.length, 1)];
        fc.pre(original !== undefined);
        const { number } = original.attempt;
        const another = { startedAtMs: original.attempt.startedAtMs + 1, dispatcher: "dispatcher-2" };
        const repeat = succeeds ? succeeded(number, another) : failed(number, undefined, another);
        const disturbed = stateAfter(events.toSpliced(events.indexOf(original) + 1, 0, repeat));
        expect(disturbed).toEqual({ ...state, progress: { ...state.progress, repeatedAttempts: 1 } });
      }),
    );
  });

  it("never changes an end: what was under way is counted, and that is all", () => {
    fc.assert(
      fc.property(course(), course(), (course, other) => {
        const { state } = play(course);
        fc.pre(isFinal(state));
        for (const event of play(other).events) {
          const { progress, ...end } = evolve(state, event);
          expect(end).toEqual(endOf(state));
          expect(progress.attemptCount).toBe(
            isOutcome(event)
              ? Math.max(event.attempt.number, state.progress.attemptCount)
              : state.progress.attemptCount,
          );
          expect(progress.release).toBeGreaterThanOrEqual(state.progress.release);
        }
      }),
    );
  });

  it("leaves nothing for an ended delivery to decide", () => {
    fc.assert(
      fc.property(course(), fc.integer({ min: 1, max: 12 }), step(), (course, number, step) => {
        const { state } = play(course);
        fc.pre(isFinal(state));
        const command = commandOf(step, number, course.policy, ACCEPTED_AT_MS);
        expect(decide(IDENTITY, command, state, ACCEPTED_AT_MS)).toEqual([]);
      }),
    );
  });
});

describe("a history in which people ask for more attempts", () => {
  /** The course, and after it again and again one more attempt. */
  function playOn(course: Course, outcomes: readonly AttemptOutcome[]) {
    let { state } = play(course);
    const events = [...play(course).events];
    const apply = (command: DeliveryCommand, nowMs: number) => {
      for (const event of decide(IDENTITY, command, state, nowMs)) {
        events.push(event);
        state = evolve(state, event);
      }
    };
    outcomes.forEach((outcome, index) => {
      const nowMs = ACCEPTED_AT_MS + (index + 1) * 1_000;
      apply({ kind: "retry", by: "root" }, nowMs);
      if (state.kind !== "scheduled") return;
      const policy = state.isOnly ? { delaysS: [], jitter: false } : course.policy;
      const step: Step = { kind: "attempt", outcome, roll: 0.5 };
      apply(commandOf(step, state.progress.attemptCount + 1, policy, nowMs), nowMs);
    });
    return { events, state };
  }
  const played = () =>
    fc.tuple(course(), fc.array(outcome(), { maxLength: 4 })).map(([course, more]) => playOn(course, more));

  it("makes each asked-for attempt, and has an id for every happening", () => {
    fc.assert(
      fc.property(played(), ({ events, state }) => {
        expect(stateAfter(events)).toEqual(state);
        expect(new Set(events.map(logEventId)).size).toBe(events.length);
        const asked = events.filter((event) => event.kind === "delivery.retried");
        for (const { attempt } of asked) {
          expect(events.some((event) => isOutcome(event) && event.attempt.number === attempt)).toBe(true);
        }
      }),
    );
  });

  it("is the same when any records are read again later", () => {
    fc.assert(
      fc.property(played(), fc.nat(), fc.nat(), ({ events, state }, from, distance) => {
        const index = from % Math.max(events.length, 1);
        const copy = events[index];
        fc.pre(copy !== undefined);
        const later = index + 1 + (distance % (events.length - index));
        expect(stateAfter(events.toSpliced(later, 0, copy))).toEqual(state);
      }),
    );
  });
});

function endOf({ progress: _, ...end }: DeliveryState) {
  return end;
}
