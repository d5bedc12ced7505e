import type { DeliveryId, EventId, OrgId, WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { hasCaughtUp, releasedItem, type WaitingDelivery } from "./release.ts";

const STARTED_MS = 10_000;

const waiting: WaitingDelivery = {
  deliveryId: "d" as DeliveryId,
  orgId: "o" as OrgId,
  eventId: "e" as EventId,
  webhookId: "w" as WebhookId,
  eventType: "agent.status",
  acceptedAtMs: 1,
  attempt: 3,
  release: 2,
  profile: "standard",
  place: { epochMs: 1, sequence: 7, index: 0 },
  traceparent: "t",
  dueAtMs: STARTED_MS,
  wasClaimed: false,
};

describe("releasedItem", () => {
  it("carries the attempt and release on, without a payload", () => {
    expect(releasedItem(waiting, STARTED_MS, STARTED_MS, 44)).toMatchObject({
      attempt: 3,
      release: 2,
      configRevision: 44,
      possibleRepeat: false,
      event: undefined,
    });
  });

  it.each([
    ["was claimed before", { wasClaimed: true }],
    ["was due before this scheduler began", { dueAtMs: STARTED_MS - 1 }],
    ["was due long ago, as a row that a rebuild brought back", { dueAtMs: STARTED_MS + 1_000 }],
    ["is released before its time, as all that was parked", { dueAtMs: STARTED_MS + 1_000_000 }],
  ])("says that it may be a repeat when it %s", (_title, change) => {
    const nowMs = STARTED_MS + 7_000;
    expect(releasedItem({ ...waiting, dueAtMs: nowMs, ...change }, nowMs, STARTED_MS, 1).possibleRepeat).toBe(true);
    expect(releasedItem({ ...waiting, dueAtMs: nowMs }, nowMs, STARTED_MS, 1).possibleRepeat).toBe(false);
  });
});

describe("hasCaughtUp", () => {
  it.each([
    [undefined, { epochMs: 1, sequence: 0 }, true],
    [undefined, { epochMs: 1, sequence: 5 }, false],
    [{ epochMs: 1, sequence: 4 }, { epochMs: 1, sequence: 5 }, false],
    [{ epochMs: 1, sequence: 5 }, { epochMs: 1, sequence: 5 }, true],
    [{ epochMs: 1, sequence: 9 }, { epochMs: 2, sequence: 5 }, false],
    [{ epochMs: 3, sequence: 1 }, { epochMs: 2, sequence: 5 }, true],
  ])("%j has seen all up to %j: %s", (checkpoint, end, expected) => {
    expect(hasCaughtUp(checkpoint, end)).toBe(expected);
  });
});
