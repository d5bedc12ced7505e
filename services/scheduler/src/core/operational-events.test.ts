import { type DeliveryId, type EventId, type OrgId, uuidv7TimeMs, type WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { isOperational, type OperationalHappening, operationalEvent } from "./operational-events.ts";

const NOW_MS = 1_750_000_000_000;
const orgId = "0198c1f0-0000-7000-8000-000000000001" as OrgId;
const webhookId = "0198c1f0-0000-7000-8000-000000000002" as WebhookId;
const deliveryId = "0198c1f0-0000-7000-8000-000000000003" as DeliveryId;
const eventId = "0198c1f0-0000-7000-8000-000000000004" as EventId;
const base = { orgId, webhookId, atMs: NOW_MS - 5_000 };

const exhausted: OperationalHappening = {
  ...base,
  kind: "delivery.exhausted",
  deliveryId,
  eventId,
  attempt: 4,
  reason: "attempts_exhausted",
  release: 0,
};
const disabled: OperationalHappening = { ...base, kind: "webhook.disabled", reason: "gone", configVersion: 3 };
const recovered: OperationalHappening = { ...base, kind: "circuit.closed", generation: 2 };
const delivery = { deliveryId, eventType: "agent.status", isTest: false, attemptCount: 4 };

const textOf = (data: Uint8Array | undefined) => JSON.parse(Buffer.from(data ?? []).toString());

describe("operationalEvent", () => {
  it.each([
    [
      "a delivery that came to its end",
      exhausted,
      delivery,
      "posthorn.delivery.exhausted",
      {
        webhook_id: webhookId,
        delivery_id: deliveryId,
        event_id: eventId,
        event_type: "agent.status",
        reason: "attempts_exhausted",
        attempt_count: 4,
      },
    ],
    [
      "a webhook out of service",
      disabled,
      undefined,
      "posthorn.webhook.disabled",
      { webhook_id: webhookId, reason: "gone" },
    ],
    ["a webhook that is back", recovered, undefined, "posthorn.webhook.recovered", { webhook_id: webhookId }],
  ] as const)("tells of %s", (_title, happening, known, type, data) => {
    const event = operationalEvent(happening, known, NOW_MS);
    expect(event).toMatchObject({ orgId, type, timestamp: new Date(base.atMs).toISOString(), acceptedAtMs: NOW_MS });
    expect(textOf(event?.data)).toEqual(data);
    expect(event?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it("gives the same happening the same id, and another one another", () => {
    const idOf = (happening: OperationalHappening, nowMs = NOW_MS) => operationalEvent(happening, delivery, nowMs)?.id;
    expect(idOf(exhausted, NOW_MS + 1)).toBe(idOf(exhausted));
    expect(idOf({ ...exhausted, atMs: exhausted.atMs + 1 })).toBe(idOf(exhausted));
    expect(
      new Set([exhausted, disabled, recovered, { ...recovered, generation: 3 }].map((one) => idOf(one))).size,
    ).toBe(4);
  });

  it("gives ids that begin with a time, as those of all events do", () => {
    const timeOf = (happening: OperationalHappening) =>
      uuidv7TimeMs(operationalEvent(happening, delivery, NOW_MS)?.id ?? "");
    expect(timeOf(exhausted)).toBe(uuidv7TimeMs(eventId));
    expect(timeOf(recovered)).toBe(uuidv7TimeMs(webhookId));
  });

  it("says nothing of operational events' own deliveries, nor of test sends", () => {
    const own = { ...delivery, eventType: "posthorn.webhook.disabled" };
    expect(operationalEvent(exhausted, own, NOW_MS)).toBe(undefined);
    expect(operationalEvent(exhausted, { ...delivery, isTest: true }, NOW_MS)).toBe(undefined);
  });

  it("is made of nothing else that stands in the log", () => {
    expect(isOperational({ ...base, kind: "circuit.opened", generation: 1 })).toBe(false);
    expect(
      isOperational({
        ...base,
        kind: "delivery.cancelled",
        deliveryId,
        eventId,
        reason: "webhook_deleted",
        release: 0,
      }),
    ).toBe(false);
  });
});
