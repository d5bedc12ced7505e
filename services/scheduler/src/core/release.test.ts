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
    expect(releasedItem(waiting, STARTED_MS, 44)).toMatchObject({
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
  ])("says that it may be a repeat when it %s", (_title, change) => {
    expect(releasedItem({ ...waiting, ...change }, STARTED_MS, 1).possibleRepeat).toBe(true);
  });
});

describe("hasCaughtUp", () => {
  it.each([
    [undefined, { epochMs: 1, sequence: 0 }, true],
    [undefined, { epochMs: 1, sequence: 5 }, false],
    [{ epochMs: 1, sequence: 4 }, { epochMs: 1, sequence: 5 }, false],
    [{ epochMs: 1, sequence: 5 }, { epochMs: 1, sequence: 5 }, true],
    [{ epochMs: 1, sequence: 9 }, { epochMs: 2, sequence: 5 }, false],
  ])("%j has seen all up to %j: %s", (checkpoint, end, expected) => {
    expect(hasCaughtUp(checkpoint, end)).toBe(expected);
  });
});
