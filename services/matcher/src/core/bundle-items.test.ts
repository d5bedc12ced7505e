import type { AcceptedEvent, WorkItem } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundleItems } from "./bundle-items.ts";
import { type Match, matchEvent } from "./match-event.ts";
import { ACCEPTED_AT_MS, eventId, orgId, PASSES, placed, subscription, webhookId } from "./matcher.fixture.ts";

const BOUNDS = { itemsMax: 3, payloadBytesMax: 100 };

/** The items of an event. */
function itemsOf(number: number, webhooks: number, changes: Partial<AcceptedEvent> = {}, sequence = 1): WorkItem[] {
  const subscriptions = Array.from({ length: webhooks }, (_, index) => subscription({ webhookId: webhookId(index) }));
  const event = placed({ id: eventId(number), data: Buffer.alloc(8), ...changes });
  const place = { ...event.place, sequence };
  const match: Match = { ...event, place, subscriptions, evaluate: PASSES, traceparent: "" };
  const terms = { configRevision: 1, inlineBytesMax: 64, nowMs: ACCEPTED_AT_MS };
  return [...matchEvent(match, terms)].flatMap((entry) =>
    entry.kind === "line" && entry.item !== undefined ? [entry.item] : [],
  );
}

const sizes = (items: readonly WorkItem[]) => bundleItems(items, BOUNDS).map(({ length }) => length);

describe("bundleItems", () => {
  it("puts together what belongs to one message of INGEST, so many at most", () => {
    expect(sizes([...itemsOf(1, 2), ...itemsOf(2, 2), ...itemsOf(3, 1)])).toEqual([3, 2]);
  });

  it("begins anew with another message and with another organisation", () => {
    expect(sizes([...itemsOf(1, 1), ...itemsOf(2, 1, {}, 2)])).toEqual([1, 1]);
    expect(sizes([...itemsOf(1, 1), ...itemsOf(2, 1, { orgId: orgId(2) })])).toEqual([1, 1]);
  });

  it("counts a payload once however many items carry it", () => {
    const data = Buffer.alloc(60);
    expect(sizes(itemsOf(1, 3, { data }))).toEqual([3]);
    expect(sizes([...itemsOf(1, 1, { data }), ...itemsOf(2, 1, { data })])).toEqual([1, 1]);
  });

  it("lets a payload larger than the bound through, with those alone that carry it", () => {
    const [large, small] = [itemsOf(1, 2, { data: Buffer.alloc(60) }), itemsOf(2, 1)];
    expect(bundleItems([...large, ...small], { itemsMax: 3, payloadBytesMax: 10 })).toEqual([large, small]);
  });

  it("neither loses nor reorders anything, and cuts a message in the same way whatever came before it", () => {
    const events = fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat(120)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(events, events, (before, after) => {
        const make = (all: readonly [number, number][], sequence: number) =>
          all.flatMap(([webhooks, bytes], number) =>
            itemsOf(number, webhooks, { data: Buffer.alloc(bytes) }, sequence),
          );
        const [first, second] = [make(before, 1), make(after, 2)];
        const bundles = bundleItems([...first, ...second], BOUNDS);
        expect(bundles.flat()).toEqual([...first, ...second]);
        expect(bundles.slice(-bundleItems(second, BOUNDS).length)).toEqual(bundleItems(second, BOUNDS));
      }),
    );
  });
});
