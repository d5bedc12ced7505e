import { type DeliveryId, type EventId, limits, type OrgId, type ReplayId, type WebhookId } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  finishedProgress,
  parseCursor,
  planReplayPage,
  type Replay,
  type ReplayedDelivery,
  typesOf,
} from "./replay-page.ts";

const NOW_MS = 1_750_000_000_000;
const INGEST = { epochMs: 7, firstSequence: 100 };

const replay: Replay = {
  id: "0198c1f0-0000-7000-8000-0000000000aa" as ReplayId,
  orgId: "0198c1f0-0000-7000-8000-000000000001" as OrgId,
  partition: 3,
  webhookId: "0198c1f0-0000-7000-8000-000000000002" as WebhookId,
  sinceMs: 0,
  untilMs: NOW_MS,
  statuses: [],
  types: [],
  total: 10,
  done: 0,
  skipped: 0,
  cursor: "",
};

function delivery(
  index: number,
  changes: { hasEnded?: boolean; acceptedAtMs?: number; sequence?: number; epochMs?: number } = {},
): ReplayedDelivery {
  const { hasEnded = true, acceptedAtMs = NOW_MS - 1_000, sequence = 100, epochMs = 7 } = changes;
  return {
    deliveryId: `0198c1f0-0000-7000-8000-${String(index).padStart(12, "0")}` as DeliveryId,
    eventId: "0198c1f0-0000-7000-8000-0000000000ee" as EventId,
    createdAtMs: NOW_MS - 10_000 + index,
    hasEnded,
    order: {
      profile: "standard",
      eventTypePrefix: "",
      event: {
        type: "agent.status",
        timestamp: undefined,
        acceptedAtMs,
        callerId: undefined,
        place: { epochMs, sequence, index: 0 },
        traceparent: "t",
      },
    },
  };
}

const plan = (page: readonly ReplayedDelivery[], from = replay) => planReplayPage(from, page, INGEST, NOW_MS);

describe("planReplayPage", () => {
  it("makes what has ended again: born parked, as what it is, with the original's event", () => {
    const original = delivery(1);
    const { events, progress } = plan([original]);
    expect(events).toEqual([
      expect.objectContaining({
        kind: "delivery.created",
        atMs: NOW_MS,
        webhookId: replay.webhookId,
        event: original.order?.event,
        hold: "replay",
        origin: { kind: "replay", replayId: replay.id, replayOf: original.deliveryId },
      }),
    ]);
    expect(progress).toEqual({
      total: 10,
      done: 1,
      skipped: 0,
      cursor: `${original.createdAtMs}:${original.deliveryId}`,
    });
  });

  it.each([
    ["still under way", { hasEnded: false }],
    ["past the horizon", { acceptedAtMs: NOW_MS - limits.DELIVERY_HORIZON_MS }],
    ["no longer stored", { sequence: 99 }],
    ["of a stream that is gone", { epochMs: 6 }],
  ])("skips what is %s", (_title, change) => {
    const { events, progress } = plan([delivery(1, change), delivery(2)]);
    expect(events.length).toBe(1);
    expect(progress).toMatchObject({ done: 1, skipped: 1 });
  });

  it("skips what nobody knows the creation of", () => {
    expect(plan([{ ...delivery(1), order: undefined }]).progress).toMatchObject({ done: 0, skipped: 1 });
  });

  it("makes the same deliveries, wherever it is cut and however often a page is worked again", () => {
    const all = Array.from({ length: 30 }, (_, index) => delivery(index, { hasEnded: index % 3 !== 0 }));
    const whole = new Set(plan(all).events.map((event) => ("deliveryId" in event ? event.deliveryId : "")));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 30, maxLength: 30 }), (sizes) => {
        const made: string[] = [];
        let state = replay;
        for (const size of sizes) {
          const cursor = parseCursor(state.cursor);
          const rest = all.filter(({ createdAtMs }) => createdAtMs > (cursor?.createdAtMs ?? 0));
          const page = plan(rest.slice(0, size), state);
          // A page that is worked again after a crash.
          made.push(
            ...plan(rest.slice(0, size), state).events.map((event) => ("deliveryId" in event ? event.deliveryId : "")),
          );
          state = { ...state, ...page.progress };
        }
        expect(new Set(made)).toEqual(whole);
        expect(state).toMatchObject({ done: 20, skipped: 10 });
      }),
      { numRuns: 30 },
    );
  });

  it("never counts more than it says there are", () => {
    expect(plan([delivery(1), delivery(2)], { ...replay, total: 1 }).progress.total).toBe(2);
  });
});

describe("finishedProgress", () => {
  it("ends with what was met", () => {
    expect(finishedProgress({ ...replay, done: 6, skipped: 3 }, false)).toMatchObject({
      total: 9,
      done: 6,
      skipped: 3,
    });
  });

  it("counts everything as skipped that a deleted webhook does not get any more", () => {
    expect(finishedProgress({ ...replay, done: 4, skipped: 1 }, true)).toMatchObject({
      total: 10,
      done: 4,
      skipped: 6,
    });
  });
});

describe("typesOf", () => {
  it("takes all types without patterns, else those that one of them matches", () => {
    const existing = ["agent.status", "agent.run.done", "deployment.started"];
    expect(typesOf({ types: [] }, existing)).toEqual(existing);
    expect(typesOf({ types: ["agent.*", "x"] }, existing)).toEqual(["agent.status", "agent.run.done"]);
  });
});
