import {
  type AttemptRecord,
  type DeliveryEvent,
  type DeliveryId,
  deliveryIdOf,
  type EventId,
  type OrgId,
  type ReplayId,
  type WebhookId,
} from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { foldDelivery } from "./fold-delivery.ts";

const EVENT = "0190163d-8694-739b-aea5-966c26f8ad91" as EventId;
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
const NOW_MS = 1_774_359_420_000;
const about = {
  orgId: "6ba7b810-9dad-11d1-80b4-00c04fd430c8" as OrgId,
  eventId: EVENT,
  deliveryId: deliveryIdOf(EVENT, WEBHOOK),
  webhookId: WEBHOOK,
  atMs: NOW_MS,
};

const created: DeliveryEvent = {
  ...about,
  kind: "delivery.created",
  event: {
    type: "test",
    timestamp: undefined,
    acceptedAtMs: NOW_MS,
    callerId: undefined,
    place: { epochMs: 1, sequence: 1, index: 0 },
    traceparent: "",
  },
  profile: "standard",
  eventTypePrefix: "",
  origin: { kind: "test" },
  hold: undefined,
};

const attempt: AttemptRecord = {
  number: 1,
  startedAtMs: NOW_MS + 1,
  durationMs: 20,
  statusCode: 500,
  url: "https://example.com/?token=***",
  requestHeaders: [["a", "1"]],
  responseHeaders: [["b", "2"]],
  responseBody: Buffer.from("no"),
  responseTruncated: false,
  dispatcher: "dispatcher-1",
  possibleRepeat: false,
  test: true,
};

describe("a delivery out of its log", () => {
  it("that failed once and for all is exhausted, with its attempt and what was exchanged", () => {
    const endedAtMs = NOW_MS + 30;
    const failure = { errorClass: "status", errorMessage: "HTTP 500", nextAtMs: undefined } as const;
    const folded = foldDelivery([
      created,
      { ...about, kind: "attempt.failed", atMs: endedAtMs, attempt, release: 0, ...failure },
      { ...about, kind: "delivery.exhausted", atMs: endedAtMs, attempt: 1, release: 0, reason: "attempts_exhausted" },
    ]);
    expect(folded?.delivery).toEqual({
      id: about.deliveryId,
      eventId: EVENT,
      webhookId: WEBHOOK,
      eventType: "test",
      status: "exhausted",
      reason: "attempts_exhausted",
      attemptCount: 1,
      nextAttemptAtMs: undefined,
      lastStatusCode: 500,
      lastErrorClass: "status",
      errorMessage: "HTTP 500",
      replayOf: undefined,
      isTest: true,
      createdAtMs: NOW_MS,
      completedAtMs: endedAtMs,
    });
    expect(folded?.attempts).toMatchObject([
      { number: 1, outcome: "failed", errorClass: "status", url: attempt.url, errorMessage: "HTTP 500" },
    ]);
  });

  it("that succeeded is delivered, and tells when it was made for a replay", () => {
    const replayOf = about.deliveryId as DeliveryId;
    const origin = { kind: "replay", replayId: EVENT as string as ReplayId, replayOf } as const;
    const succeeded = {
      ...about,
      kind: "attempt.succeeded",
      attempt: { ...attempt, statusCode: 204 },
      release: 0,
    } as const;
    const folded = foldDelivery([{ ...created, origin }, succeeded]);
    expect(folded?.delivery).toMatchObject({ status: "delivered", lastStatusCode: 204, replayOf, isTest: false });
    expect(folded?.attempts).toMatchObject([{ outcome: "succeeded", statusCode: 204, errorClass: undefined }]);
  });

  it("is not known before its creation is", () => {
    expect(foldDelivery([{ ...about, kind: "attempt.succeeded", attempt, release: 0 }])).toBeUndefined();
    expect(foldDelivery([])).toBeUndefined();
  });
});
