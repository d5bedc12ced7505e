import {
  type DeliveryEvent,
  deliveryIdOf,
  parseEventId,
  parseOrgId,
  parseReplayId,
  parseWebhookId,
  replayedDeliveryIdOf,
} from "@posthorn/domain";
import { expect, it } from "vitest";
import { presentLogEvent } from "./present-log-event.ts";

const AT_MS = Date.parse("2026-03-24T13:37:00.000Z");
const POSITION = { partition: 3, epochMs: AT_MS - 1, sequence: 7 };

function id<Id>(parse: (text: string) => Id | undefined): Id {
  const parsed = parse("01890a5d-ac96-774b-bcce-b302099a8057");
  if (parsed === undefined) throw new Error("a malformed id");
  return parsed;
}

const replayOf = deliveryIdOf(id(parseEventId), id(parseWebhookId));
const deliveryId = replayedDeliveryIdOf(replayOf, id(parseReplayId));
const OF_DELIVERY = {
  orgId: id(parseOrgId),
  eventId: id(parseEventId),
  webhookId: id(parseWebhookId),
  deliveryId,
  atMs: AT_MS,
};
const EVENT = {
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: AT_MS - 5,
  callerId: "order-1",
  place: { epochMs: AT_MS - 9, sequence: 1, index: 2 },
  traceparent: "",
};

function present(event: DeliveryEvent) {
  const { id: _, type, at, position, event_id, delivery_id, webhook_id, ...details } = presentLogEvent(event, POSITION);
  expect({ type, at, delivery_id }).toEqual({
    type: event.kind,
    at: "2026-03-24T13:37:00.000Z",
    delivery_id: deliveryId,
  });
  expect(position).toEqual({ partition: 3, epoch: "2026-03-24T13:36:59.999Z", sequence: 7 });
  expect([event_id, webhook_id]).toEqual([OF_DELIVERY.eventId, OF_DELIVERY.webhookId]);
  return details;
}

it("says what a delivery was made for, and why it is held", () => {
  const origin = { kind: "replay", replayId: id(parseReplayId), replayOf } as const;
  const order = { event: EVENT, profile: "github-dispatch", eventTypePrefix: "my-", origin } as const;
  expect(present({ ...OF_DELIVERY, kind: "delivery.created", ...order, hold: "replay" })).toEqual({
    event: {
      type: "agent.status",
      timestamp: null,
      accepted_at: "2026-03-24T13:36:59.995Z",
      caller_id: "order-1",
      place: { epoch: "2026-03-24T13:36:59.991Z", sequence: 1, index: 2 },
      traceparent: "",
    },
    profile: "github-dispatch",
    event_type_prefix: "my-",
    origin: { kind: "replay", replay_id: id(parseReplayId), replay_of: replayOf },
    hold: "replay",
  });
});

it("says who asked for one more attempt, and what it is", () => {
  const retried = { by: "root", attempt: 4, release: 2, isOnly: true };
  const details = { by: "root", attempt_number: 4, release: 2, only_attempt: true };
  expect(present({ ...OF_DELIVERY, kind: "delivery.retried", ...retried })).toEqual(details);
});

it("says until when a delivery waits, and for whose sake", () => {
  const waits = { reason: "circuit_open", notBeforeMs: AT_MS + 1, attempt: 2, release: 1 } as const;
  const deferred = { ...waits, mayHaveBeenSent: false };
  const details = { reason: "circuit_open", not_before: "2026-03-24T13:37:00.001Z", attempt_number: 2, release: 1 };
  expect(present({ ...OF_DELIVERY, kind: "delivery.deferred", ...deferred })).toEqual(details);
});

it("says how a delivery ended, also where the record did not say which release", () => {
  const exhausted = { kind: "delivery.exhausted", attempt: 2, reason: "expired", release: undefined } as const;
  expect(present({ ...OF_DELIVERY, ...exhausted })).toEqual({ reason: "expired", attempt_number: 2, release: null });
  const cancelled = { kind: "delivery.cancelled", reason: "payload_deleted", release: 3 } as const;
  expect(present({ ...OF_DELIVERY, ...cancelled })).toEqual({ reason: "payload_deleted", release: 3 });
});
