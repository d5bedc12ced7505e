import type { DeliveryId, EventId, OrgId, WebhookId } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WaitingDelivery } from "./release.ts";
import { planRun, type RunRow, runLengthAfter } from "./run-plan.ts";

const NOW_MS = 1_000_000;
const FRONTIER = { epochMs: 5, sequence: 1_000 };

function row(sequence: number, changes: Partial<Omit<RunRow, "waiting">> & { epochMs?: number; index?: number } = {}) {
  const { epochMs = 5, index = 0, ...standing } = changes;
  const waiting: WaitingDelivery = {
    deliveryId: `${epochMs}:${sequence}:${index}` as DeliveryId,
    orgId: "o" as OrgId,
    eventId: "e" as EventId,
    webhookId: "w" as WebhookId,
    eventType: "a.b",
    acceptedAtMs: 1,
    attempt: 1,
    release: 0,
    profile: "standard",
    place: { epochMs, sequence, index },
    traceparent: "t",
    messageId: "m" as DeliveryId,
    eventTypePrefix: "",
    isOnly: false,
    kind: "parked",
    dueAtMs: 1,
    mayHaveBeenSent: false,
    wasClaimed: false,
    circuit: { kind: "closed", generation: 0 },
  };
  return { waiting, isClaimed: false, waitsUntilMs: undefined, ...standing };
}

const idsOf = (rows: readonly RunRow[], lengthMax = 100) =>
  planRun(rows, FRONTIER, NOW_MS, lengthMax).run.map(({ deliveryId }) => deliveryId);

describe("planRun", () => {
  it("takes the oldest by the order of acceptance: epoch, sequence, index", () => {
    const rows = [row(7), row(2, { index: 1 }), row(2), row(900, { epochMs: 4 })];
    expect(idsOf(rows)).toEqual(["4:900:0", "5:2:0", "5:2:1", "5:7:0"]);
    expect(idsOf(rows, 2)).toEqual(["4:900:0", "5:2:0"]);
  });

  it.each([
    ["waits for its retry", { waitsUntilMs: NOW_MS + 1 }, { kind: "time", untilMs: NOW_MS + 1 }],
    ["is somebody else's", { isClaimed: true }, { kind: "claim" }],
  ] as const)("stops before one that %s, whatever comes behind it", (_title, standing, blockedBy) => {
    const rows = [row(1), row(2, standing), row(3)];
    expect(idsOf(rows)).toEqual(["5:1:0"]);
    expect(planRun(rows.slice(1), FRONTIER, NOW_MS, 100)).toEqual({ run: [], blockedBy });
  });

  it("takes a retry whose time has come", () => {
    expect(idsOf([row(1, { waitsUntilMs: NOW_MS })])).toEqual(["5:1:0"]);
  });

  it("goes no further than everything is known", () => {
    expect(idsOf([row(1_000), row(1_001)])).toEqual(["5:1000:0"]);
    expect(planRun([row(1, { epochMs: 6 })], FRONTIER, NOW_MS, 100)).toEqual({
      run: [],
      blockedBy: { kind: "frontier" },
    });
  });

  it("never takes a delivery while an earlier one waits", () => {
    const rows = fc.array(
      fc.record({
        sequence: fc.integer({ min: 1, max: 1_100 }),
        isClaimed: fc.boolean(),
        waitsUntilMs: fc.option(fc.integer({ min: NOW_MS - 10, max: NOW_MS + 10 }), { nil: undefined }),
      }),
    );
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 20 }), (given, lengthMax) => {
        const all = given.map(({ sequence, ...standing }, index) => row(sequence, { ...standing, index }));
        const { run } = planRun(all, FRONTIER, NOW_MS, lengthMax);
        const last = run.at(-1)?.place;
        if (last === undefined) return;
        const earlier = all.filter(
          ({ waiting: { place } }) =>
            place.sequence < last.sequence || (place.sequence === last.sequence && place.index <= last.index),
        );
        expect(run.length).toBe(earlier.length);
        expect(earlier.every((one) => !one.isClaimed && (one.waitsUntilMs ?? 0) <= NOW_MS)).toBe(true);
        expect(last.sequence).toBeLessThanOrEqual(FRONTIER.sequence);
      }),
    );
  });
});

describe("runLengthAfter", () => {
  it("shortens the runs of a webhook that fails, and lengthens them again", () => {
    expect([100, 50, 12, 5].map((length) => runLengthAfter(length, true))).toEqual([50, 25, 6, 5]);
    expect([5, 60, 100].map((length) => runLengthAfter(length, false))).toEqual([10, 100, 100]);
  });
});
