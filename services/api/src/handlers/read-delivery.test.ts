import {
  type AttemptRecord,
  type DeliveryEvent,
  deliveryIdOf,
  type EventId,
  type OrgId,
  UNKNOWN_DELIVERY,
  type WebhookId,
} from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import type { DeliveryDossier } from "../io/deliveries.ts";
import { deliveryReader } from "./read-delivery.ts";

const NOW_MS = 1_774_359_420_000;
const EVENT = "0190163d-8694-739b-aea5-966c26f8ad91" as EventId;
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
const about = {
  orgId: "6ba7b810-9dad-11d1-80b4-00c04fd430c8" as OrgId,
  eventId: EVENT,
  deliveryId: deliveryIdOf(EVENT, WEBHOOK),
  webhookId: WEBHOOK,
  atMs: NOW_MS,
};
const place = { epochMs: 1, sequence: 1, index: 0 };
const created: DeliveryEvent = {
  ...about,
  kind: "delivery.created",
  event: { type: "t", timestamp: undefined, acceptedAtMs: NOW_MS, callerId: undefined, place, traceparent: "" },
  profile: "standard",
  eventTypePrefix: "",
  origin: { kind: "match" },
  hold: undefined,
};

function succeeded(number: number, dispatcher = "dispatcher-1"): DeliveryEvent {
  const attempt: AttemptRecord = {
    number,
    startedAtMs: NOW_MS + number,
    durationMs: 20,
    statusCode: 200,
    url: `https://${dispatcher}.example/`,
    requestHeaders: [],
    responseHeaders: [],
    responseBody: Buffer.from("ok"),
    responseTruncated: false,
    dispatcher,
    possibleRepeat: false,
    test: false,
  };
  return { ...about, kind: "attempt.succeeded", attempt, release: 0 };
}

/** Of a delivery whose log has these messages: where its attempts went, and which of the messages were read. */
async function read(attemptCount: number, ...messages: readonly (readonly DeliveryEvent[])[]) {
  const dossier: DeliveryDossier = {
    orgId: about.orgId,
    delivery: {
      id: about.deliveryId,
      eventId: EVENT,
      webhookId: WEBHOOK,
      eventType: "t",
      status: "delivered",
      reason: undefined,
      attemptCount,
      nextAttemptAtMs: undefined,
      lastStatusCode: 200,
      lastErrorClass: undefined,
      errorMessage: undefined,
      replayOf: undefined,
      isTest: false,
      createdAtMs: NOW_MS,
      completedAtMs: NOW_MS,
    },
    state: UNKNOWN_DELIVERY,
    release: { kind: "none" },
    acceptedAtMs: NOW_MS,
    order: { profile: "standard", eventTypePrefix: "", messageId: about.deliveryId },
    place,
    partition: 0,
    logPositions: messages.map((_, sequence) => ({ partition: 0, epochMs: 1, sequence })),
  };
  const sequences: number[] = [];
  const readDelivery = deliveryReader({
    deliveries: { get: async () => dossier },
    archive: {
      read: async (_, positions) => {
        sequences.push(...positions.map(({ sequence }) => sequence));
        return positions.map((position) => ({ position, events: messages[position.sequence] ?? [] }));
      },
    },
    readPayload: async () => ({ kind: "gone", why: "age" }),
  });
  const found = await readDelivery(about.orgId, about.deliveryId);
  return { urls: found.kind === "found" ? found.attempts.map(({ url }) => url) : found.kind, sequences };
}

describe("the attempts of a delivery", () => {
  const [one, other] = ["https://dispatcher-1.example/", "https://dispatcher-2.example/"];

  it("are read where they are told of, and not where the delivery was created among others", async () => {
    expect(await read(2, [created], [succeeded(1)], [succeeded(2)])).toEqual({ urls: [one, one], sequences: [1, 2] });
  });

  it("are found where the delivery was created, if that message tells of one", async () => {
    expect((await read(1, [created, succeeded(1)])).urls).toEqual([one]);
    expect((await read(2, [created, succeeded(1)], [succeeded(2)])).urls).toEqual([one, one]);
  });

  it("are what came first, also of those that were told of before the creation", async () => {
    const log = [[succeeded(1, "dispatcher-2")], [created], [succeeded(1)]];
    expect((await read(1, ...log)).urls).toEqual([other]);
  });

  it("are not looked for before there is one", async () => {
    expect(await read(0, [created])).toEqual({ urls: [], sequences: [] });
  });
});
