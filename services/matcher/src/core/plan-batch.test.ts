import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Match, type MatchTerms, matchEvent } from "./match-event.ts";
import { ACCEPTED_AT_MS, eventId, PASSES, placed, subscription, webhookId } from "./matcher.fixture.ts";
import { planBatch, type StepBounds } from "./plan-batch.ts";

const TERMS: MatchTerms = { configRevision: 1, inlineBytesMax: 64, nowMs: ACCEPTED_AT_MS };
const LINE_BYTES = 10;

function plan(matches: Iterable<Match>, bounds: Partial<StepBounds>) {
  const all = { entriesMax: 1_000, logBytesMax: 1e6, itemBytesMax: 1e6, evaluationsMax: 1_000, ...bounds };
  return planBatch(matches, TERMS, all, () => LINE_BYTES);
}

/** @param webhooks how many the event goes to. @param sequence of its message. */
function match(number: number, webhooks: number, dataBytes = 8, sequence = 1): Match {
  const subscriptions = Array.from({ length: webhooks }, (_, index) =>
    subscription({ webhookId: webhookId(index), isActive: index % 3 !== 2 }),
  );
  const event = placed({ id: eventId(number), data: Buffer.alloc(dataBytes) });
  return { ...event, place: { ...event.place, sequence }, subscriptions, evaluate: PASSES, traceparent: "" };
}

describe("planBatch", () => {
  it("puts small events together into one step", () => {
    const [step, ...more] = plan([match(1, 2), match(2, 0), match(3, 1)], {});
    expect(step?.log.map(({ kind }) => kind)).toEqual([
      "delivery.created",
      "delivery.created",
      "event.unmatched",
      "delivery.created",
    ]);
    expect(step?.items).toHaveLength(3);
    expect(more).toEqual([]);
  });

  it("cuts one large fan-out into steps", () => {
    const sizes = [...plan([match(1, 10)], { entriesMax: 8 })].map(({ log }) => log.length);
    expect(sizes).toEqual([4, 4, 2]);
  });

  it("cuts by the bytes of the log and by those of the payloads", () => {
    const byLog = [...plan([match(1, 5)], { logBytesMax: 4 * LINE_BYTES })];
    expect(byLog.map(({ log }) => log.length)).toEqual([2, 2, 1]);
    const byPayload = [...plan([match(1, 2, 60), match(2, 2, 60)], { itemBytesMax: 260 })];
    expect(byPayload.map(({ items }) => items.length)).toEqual([2, 2]);
  });

  it("cuts a message in the same way whatever came before it", () => {
    const message = [match(7, 4, 8, 2), match(8, 5, 8, 2)];
    const cuts = (before: readonly Match[]) =>
      [...plan([...before, ...message], { entriesMax: 8 })].map(
        ({ log }) => log.filter((line) => line.kind !== "event.unmatched").length,
      );
    expect(cuts([])).toEqual([4, 4, 1]);
    const unmatched = (count: number) => Array.from({ length: count }, (_, number) => match(number, 0));
    for (const count of [1, 2, 3, 4]) expect(cuts(unmatched(count))).toEqual([4, 4, 1]);
    for (const count of [5, 6, 7, 8]) expect(cuts(unmatched(count)).slice(-3)).toEqual([4, 4, 1]);
  });

  it("lets through what is larger than a bound alone", () => {
    const sizes = [...plan([match(1, 3)], { logBytesMax: 1, itemBytesMax: 1 })].map(({ log }) => log.length);
    expect(sizes).toEqual([1, 1, 1]);
  });

  it("works lazily: a fan-out without end begins at once", () => {
    function* endless() {
      for (let number = 0; ; number += 1) yield match(number, 1);
    }
    const steps = plan(endless(), { entriesMax: 6 });
    expect(steps.next().value?.log).toHaveLength(3);
  });

  it("pauses after so many filters, whatever they say, without cutting what belongs together", () => {
    const filtered = (number: number, verdict: "passes" | "fails"): Match => ({
      ...match(number, 0),
      subscriptions: Array.from({ length: 5 }, (_, index) =>
        subscription({ webhookId: webhookId(index), filter: `f${index}` }),
      ),
      evaluate: () => ({ kind: verdict }),
    });
    const sizes = (matches: readonly Match[]) =>
      [...plan(matches, { evaluationsMax: 2 })].map(({ log, items }) => [log.length, items.length]);
    expect(sizes([filtered(1, "fails")])).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
    ]);
    expect(sizes([filtered(1, "passes"), match(2, 1)])).toEqual([
      [0, 0],
      [0, 0],
      [6, 6],
    ]);
  });

  it("neither loses, repeats nor reorders anything, and keeps within the bounds", () => {
    const bounds = fc.record({
      entriesMax: fc.integer({ min: 1, max: 6 }),
      logBytesMax: fc.integer({ min: 1, max: 80 }),
      itemBytesMax: fc.integer({ min: 1, max: 200 }),
    });
    const sizes = fc.array(fc.tuple(fc.nat(6), fc.nat(100)), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, bounds, (events, limits) => {
        const matches = events.map(([webhooks, bytes], number) => match(number, webhooks, bytes, number >> 1));
        const steps = [...plan(matches, limits)];
        const entries = matches.flatMap((one) => [...matchEvent(one, TERMS)]);
        const expected = entries.filter((entry) => entry.kind === "line");
        expect(steps.flatMap(({ log }) => log)).toEqual(expected.map(({ log }) => log));
        expect(steps.flatMap(({ items }) => items)).toEqual(expected.flatMap(({ item }) => item ?? []));
        for (const { log, items } of steps) {
          const itemBytes = items.reduce((sum, { event }) => sum + (event?.data.length ?? 0), 0);
          const isOverBytes = log.length * LINE_BYTES > limits.logBytesMax || itemBytes > limits.itemBytesMax;
          expect(log.length).toBeGreaterThan(0);
          expect(log.length).toBeLessThanOrEqual(limits.entriesMax);
          expect(isOverBytes && log.length > 1).toBe(false);
          const logged = new Set(log.flatMap((line) => ("deliveryId" in line ? [line.deliveryId] : [])));
          expect(items.every(({ deliveryId }) => logged.has(deliveryId))).toBe(true);
        }
      }),
    );
  });
});
