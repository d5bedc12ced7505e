/** One delivery and its events, built in few words; and the words of its specifications. For tests only. */

import { expect } from "vitest";
import { parseDeliveryId, parseEventId, parseOrgId, parseWebhookId } from "../ids/ids.ts";
import { type DeliveryCommand, type DeliveryIdentity, decide } from "./decide.ts";
import type {
  AttemptFailed,
  AttemptRecord,
  AttemptSucceeded,
  DeliveryCancelled,
  DeliveryEvent,
  DeliveryFact,
  DeliveryOrder,
  DeliveryRetried,
  EventFacts,
} from "./delivery-event.ts";
import { type DeliveryState, UNKNOWN_DELIVERY } from "./delivery-state.ts";
import { evolve } from "./evolve.ts";

export const ACCEPTED_AT_MS = Date.parse("2026-03-24T13:37:00Z");

export const IDENTITY: DeliveryIdentity = {
  orgId: parsed(parseOrgId("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
  eventId: parsed(parseEventId("01890a5d-ac96-774b-bcce-b302099a8057")),
  webhookId: parsed(parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad90")),
  deliveryId: parsed(parseDeliveryId("1d400355-0ca2-5ef1-bfe8-29c006899080")),
};

export const EVENT_FACTS: EventFacts = {
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: ACCEPTED_AT_MS,
  callerId: undefined,
  place: { epochMs: 1, sequence: 2, index: 3 },
  traceparent: "",
};

/** What every event of the delivery carries. */
export const at = (atMs: number) => ({ ...IDENTITY, atMs });

export function attempt(number: number, changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    number,
    startedAtMs: ACCEPTED_AT_MS + number * 1_000,
    durationMs: 100,
    statusCode: 500,
    url: "https://example.com/hook",
    requestHeaders: [],
    responseHeaders: [],
    responseBody: new Uint8Array(),
    responseTruncated: false,
    dispatcher: "dispatcher-1",
    possibleRepeat: false,
    test: false,
    ...changes,
  };
}

/** When the outcome of an attempt made by `attempt` is recorded. */
export const recordedAtMs = (number: number) => ACCEPTED_AT_MS + number * 1_000 + 100;

export const ORDER: DeliveryOrder = {
  event: EVENT_FACTS,
  profile: "standard",
  eventTypePrefix: "",
  origin: { kind: "match" },
};

export const created: DeliveryEvent = {
  ...at(ACCEPTED_AT_MS),
  kind: "delivery.created",
  ...ORDER,
  hold: undefined,
};

export const bornParked: DeliveryEvent = { ...at(ACCEPTED_AT_MS), kind: "delivery.created", ...ORDER, hold: "ordered" };

export function retried(attempt: number, release: number, isOnly: boolean, atMs = ACCEPTED_AT_MS): DeliveryRetried {
  return { ...at(atMs), kind: "delivery.retried", by: "root", attempt, release, isOnly };
}

export const skipped: DeliveryEvent = {
  ...at(ACCEPTED_AT_MS),
  kind: "delivery.skipped",
  ...ORDER,
  reason: "webhook_inactive",
};

export function succeeded(number: number, changes: Partial<AttemptRecord> = {}, release = 0): AttemptSucceeded {
  const record = attempt(number, { statusCode: 200, ...changes });
  return { ...at(recordedAtMs(number)), kind: "attempt.succeeded", attempt: record, release };
}

export function failed(
  number: number,
  nextAtMs: number | undefined,
  changes: Partial<AttemptRecord> = {},
  release = 0,
): AttemptFailed {
  return {
    ...at(recordedAtMs(number)),
    kind: "attempt.failed",
    attempt: attempt(number, changes),
    errorClass: "status",
    errorMessage: "receiver answered 500",
    nextAtMs,
    release,
  };
}

export function deferred(
  number: number,
  release: number,
  notBeforeMs = ACCEPTED_AT_MS,
  mayHaveBeenSent = false,
): DeliveryEvent {
  return {
    ...at(ACCEPTED_AT_MS),
    kind: "delivery.deferred",
    reason: "webhook_inactive",
    notBeforeMs,
    attempt: number,
    release,
    mayHaveBeenSent,
  };
}

export function exhausted(
  reason: Extract<DeliveryEvent, { kind: "delivery.exhausted" }>["reason"],
  attempt: number,
  atMs = ACCEPTED_AT_MS,
  release = 0,
): DeliveryEvent {
  return { ...at(atMs), kind: "delivery.exhausted", attempt, reason, release };
}

export const cancelled: DeliveryCancelled = cancelledIn(0);

export function cancelledIn(release: number): DeliveryCancelled {
  return { ...at(ACCEPTED_AT_MS), kind: "delivery.cancelled", reason: "webhook_deleted", release };
}

export function stateAfter(events: readonly DeliveryFact[]): DeliveryState {
  return events.reduce(evolve, UNKNOWN_DELIVERY);
}

/** `given(events).when(command, nowMs).happens(events)` */
export function given(...events: readonly DeliveryEvent[]) {
  return {
    when(command: DeliveryCommand, nowMs: number) {
      const happened = decide(IDENTITY, command, stateAfter(events), nowMs);
      return {
        happens: (...expected: readonly DeliveryEvent[]) => expect(happened).toEqual(expected),
        nothingHappens: () => expect(happened).toEqual([]),
      };
    },
  };
}

function parsed<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not a UUID");
  return id;
}
