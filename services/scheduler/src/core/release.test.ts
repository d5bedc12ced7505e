import type { DeliveryId, EventId, OrgId, WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import {
  hasCaughtUp,
  mayBeRepeatedParked,
  mayBeRepeatedRetry,
  releasedItem,
  termsOf,
  type WaitingDelivery,
} from "./release.ts";

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
  messageId: "d" as DeliveryId,
  eventTypePrefix: "",
  isOnly: false,
  kind: "retry",
  dueAtMs: STARTED_MS,
  mayHaveBeenSent: false,
  wasClaimed: false,
  circuit: { kind: "closed", generation: 0 },
};

describe("releasedItem", () => {
  it("carries the delivery on, without a payload, and says what was decided", () => {
    const terms = termsOf(waiting.circuit);
    expect(releasedItem(waiting, { configRevision: 44, possibleRepeat: false, terms })).toEqual({
      deliveryId: "d",
      orgId: "o",
      eventId: "e",
      webhookId: "w",
      eventType: "agent.status",
      acceptedAtMs: 1,
      attempt: 3,
      release: 2,
      profile: "standard",
      place: { epochMs: 1, sequence: 7, index: 0 },
      traceparent: "t",
      messageId: "d",
      eventTypePrefix: "",
      isOnly: false,
      configRevision: 44,
      possibleRepeat: false,
      terms,
      event: undefined,
      followers: [],
      mayHaveBeenSent: false,
    });
  });
});

describe("termsOf", () => {
  it("says which circuits are closed: all that were ever open, or all before the one that is", () => {
    expect(termsOf({ kind: "closed", generation: 3 }).circuitsClosed).toBe(3);
    expect(termsOf({ kind: "open", generation: 3 }).circuitsClosed).toBe(2);
  });

  it("carries a probe or a slot", () => {
    const slot = { fromMs: 1, untilMs: 2 };
    expect(termsOf({ kind: "closed", generation: 0 })).toEqual({ isProbe: false, circuitsClosed: 0, slot: undefined });
    expect(termsOf({ kind: "open", generation: 1 }, { isProbe: true })).toMatchObject({ isProbe: true });
    expect(termsOf({ kind: "closed", generation: 0 }, { slot })).toMatchObject({ isProbe: false, slot });
  });
});

describe("mayBeRepeatedRetry", () => {
  const nowMs = STARTED_MS + 7_000;
  it.each([
    ["was claimed before", { wasClaimed: true }],
    ["was due before this scheduler began", { dueAtMs: STARTED_MS - 1 }],
    ["was due long ago, as a row that a rebuild brought back", { dueAtMs: STARTED_MS + 1_000 }],
    ["is released before its time", { dueAtMs: STARTED_MS + 1_000_000 }],
  ])("is so when it %s", (_title, change) => {
    expect(mayBeRepeatedRetry({ ...waiting, dueAtMs: nowMs, ...change }, nowMs, STARTED_MS)).toBe(true);
    expect(mayBeRepeatedRetry({ ...waiting, dueAtMs: nowMs }, nowMs, STARTED_MS)).toBe(false);
  });
});

describe("mayBeRepeatedParked", () => {
  it("is so for what was claimed before, whenever it was parked", () => {
    expect(mayBeRepeatedParked({ ...waiting, dueAtMs: 1 })).toBe(false);
    expect(mayBeRepeatedParked({ ...waiting, wasClaimed: true })).toBe(true);
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
