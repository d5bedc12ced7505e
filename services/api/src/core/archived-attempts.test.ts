import {
  type AttemptRecord,
  type DeliveryEvent,
  deliveryIdOf,
  type EventId,
  type LogEvent,
  type OrgId,
  type WebhookId,
} from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { attemptsIn, eventsOfDelivery } from "./archived-attempts.ts";

const EVENT = "0190163d-8694-739b-aea5-966c26f8ad91" as EventId;
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
const OTHER_WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad92" as WebhookId;
const NOW_MS = 1_774_359_420_000;
const about = {
  orgId: "6ba7b810-9dad-11d1-80b4-00c04fd430c8" as OrgId,
  eventId: EVENT,
  deliveryId: deliveryIdOf(EVENT, WEBHOOK),
  webhookId: WEBHOOK,
  atMs: NOW_MS,
};

function record(number: number, changes: Partial<AttemptRecord>): AttemptRecord {
  return {
    number,
    startedAtMs: NOW_MS + number,
    durationMs: 20,
    statusCode: 500,
    url: "https://example.com/?token=***",
    requestHeaders: [["a", "1"]],
    responseHeaders: [["b", "2"]],
    responseBody: Buffer.from("no"),
    responseTruncated: false,
    dispatcher: "dispatcher-1",
    possibleRepeat: false,
    test: false,
    ...changes,
  };
}

const failed = (number: number, changes: Partial<AttemptRecord> = {}): DeliveryEvent => ({
  ...about,
  kind: "attempt.failed",
  attempt: record(number, changes),
  errorClass: "status",
  errorMessage: "receiver answered 500",
  nextAtMs: undefined,
  release: 0,
});
const succeeded = (number: number): DeliveryEvent => ({
  ...about,
  kind: "attempt.succeeded",
  attempt: record(number, { statusCode: 204 }),
  release: 0,
});
const deferred: DeliveryEvent = {
  ...about,
  kind: "delivery.deferred",
  reason: "circuit_open",
  notBeforeMs: NOW_MS,
  attempt: 2,
  release: 1,
  mayHaveBeenSent: false,
};
const retried: DeliveryEvent = {
  ...about,
  kind: "delivery.retried",
  by: "root",
  attempt: 3,
  release: 2,
  isOnly: true,
};
const cancelled: DeliveryEvent = { ...about, kind: "delivery.cancelled", reason: "webhook_deleted", release: 2 };

describe("the attempts of a delivery", () => {
  it("are its outcomes, whatever else happened between them, with what was exchanged", () => {
    const attempts = attemptsIn([failed(1), deferred, failed(2), retried, cancelled, succeeded(3)]);
    expect(attempts).toEqual([
      {
        number: 1,
        startedAtMs: NOW_MS + 1,
        durationMs: 20,
        outcome: "failed",
        statusCode: 500,
        errorClass: "status",
        errorMessage: "receiver answered 500",
        url: "https://example.com/?token=***",
        requestHeaders: [["a", "1"]],
        responseHeaders: [["b", "2"]],
        responseBody: Buffer.from("no"),
        responseTruncated: false,
      },
      expect.objectContaining({ number: 2 }),
      expect.objectContaining({ number: 3, outcome: "succeeded", statusCode: 204, errorClass: undefined }),
    ]);
  });

  it("are what came first of those that were made more than once", () => {
    const again = failed(1, { dispatcher: "dispatcher-2", startedAtMs: NOW_MS + 70 });
    expect(attemptsIn([succeeded(1), again, again])).toMatchObject([{ outcome: "succeeded", startedAtMs: NOW_MS + 1 }]);
    expect(attemptsIn([again, succeeded(1)])).toMatchObject([{ outcome: "failed", startedAtMs: NOW_MS + 70 }]);
  });

  it("stand in the order of their numbers", () => {
    expect(attemptsIn([failed(2), failed(1), succeeded(3)]).map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it("are none before the first outcome", () => {
    expect(attemptsIn([deferred, retried])).toEqual([]);
  });
});

it("what a message says of a delivery is not what it says of others, or of the same ids elsewhere", () => {
  const ofOther = { ...failed(1), deliveryId: deliveryIdOf(EVENT, OTHER_WEBHOOK) };
  const elsewhere = { ...failed(1), orgId: OTHER_WEBHOOK as string as OrgId };
  const circuit: LogEvent = {
    orgId: about.orgId,
    atMs: NOW_MS,
    kind: "circuit.opened",
    webhookId: WEBHOOK,
    generation: 1,
  };
  const own = [failed(1), deferred];
  expect(eventsOfDelivery([ofOther, ...own, elsewhere, circuit], about.orgId, about.deliveryId)).toEqual(own);
});
