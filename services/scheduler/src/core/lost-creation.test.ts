import { deliveryIdOf, parseDeliveryId, parseEventId, parseOrgId, parseWebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { type UncreatedDelivery, wordOnLostCreation } from "./lost-creation.ts";

const NOW_MS = 9_000;
const ids = {
  orgId: known(parseOrgId("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
  eventId: known(parseEventId("01890a5d-ac96-774b-bcce-000000000001")),
  webhookId: known(parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad90")),
};
const event = {
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: 1_000,
  callerId: undefined,
  place: { epochMs: 1, sequence: 2, index: 3 },
  traceparent: "tp",
};
const rendering = { profile: "standard", eventTypePrefix: "x." } as const;
const lost: UncreatedDelivery = {
  ...ids,
  deliveryId: deliveryIdOf(ids.eventId, ids.webhookId),
  attemptCount: 1,
  release: 2,
  event,
  rendering,
};

describe("a delivery whose creation LOG has lost", () => {
  it("is created once more, as it was, when its event and its webhook's profile are known", () => {
    expect(wordOnLostCreation(lost, NOW_MS)).toMatchObject({
      kind: "delivery.created",
      deliveryId: lost.deliveryId,
      atMs: event.acceptedAtMs,
      event,
      ...rendering,
      origin: { kind: "match" },
      hold: undefined,
    });
  });

  it.each([
    ["nothing is known of its event", { event: undefined }],
    ["nothing is known of its webhook", { rendering: undefined }],
    ["it is a replay's", { deliveryId: known(parseDeliveryId("0190163d-8694-539b-aea5-966c26f8ad90")) }],
  ])("ends before its next attempt when %s", (_, changes) => {
    expect(wordOnLostCreation({ ...lost, ...changes }, NOW_MS)).toMatchObject({
      kind: "delivery.exhausted",
      reason: "payload_gone",
      atMs: NOW_MS,
      attempt: 2,
      release: 2,
    });
  });
});

function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("not a UUID");
  return value;
}
