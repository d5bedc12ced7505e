/** One of everything that this build stores in streams: what the next recording is made of. */

import {
  deliveryIdOf,
  type LogEvent,
  parseDeliveryId,
  parseEventId,
  parseOrgId,
  parseReplayId,
  parseWebhookId,
  replayedDeliveryIdOf,
  type WorkItem,
} from "@posthorn/domain";

const AT_MS = Date.parse("2026-03-24T13:37:00.123Z");
const EPOCH_MS = Date.parse("2026-03-01T00:00:00Z");

const orgId = made(parseOrgId("0195c8a0-0000-7000-8000-000000000001"));
const webhookId = made(parseWebhookId("0195c8a0-0000-7000-8000-000000000002"));
const replayId = made(parseReplayId("0195c8a0-0000-7000-8000-000000000003"));
const eventIds = Array.from({ length: 6 }, (_, index) =>
  made(parseEventId(`0195c8a0-0000-7000-8000-0000000000e${index}`)),
);
const deliveryIds = eventIds.map((eventId) => deliveryIdOf(eventId, webhookId));

function made<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not an id");
  return id;
}

const eventId = (index: number) => made(eventIds[index]);
const deliveryId = (index: number) => made(deliveryIds[index]);

const facts = (index: number) => ({
  type: "agent.run.done",
  timestamp: index % 2 === 0 ? "2026-03-24T14:37:00.5+01:00" : undefined,
  acceptedAtMs: AT_MS + index,
  callerId: index % 2 === 0 ? `caller-${index}` : undefined,
  place: { epochMs: EPOCH_MS, sequence: 40 + index, index },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
});

const of = (index: number, afterMs: number) => ({
  orgId,
  eventId: eventId(index),
  deliveryId: deliveryId(index),
  webhookId,
  atMs: AT_MS + afterMs,
});

const order = (index: number) => ({
  event: facts(index),
  profile: "github-dispatch" as const,
  eventTypePrefix: "posthorn-",
  origin: { kind: "match" as const },
});

const attempt = (number: number, statusCode: number | undefined) => ({
  number,
  startedAtMs: AT_MS + number * 1_000,
  durationMs: 37,
  statusCode,
  url: "https://receiver.example/hook?token=***",
  requestHeaders: [["content-type", "application/json"] as const],
  responseHeaders: [["server", "example"] as const],
  responseBody: Buffer.from([0, 255, 104, 105]),
  responseTruncated: number === 2,
  dispatcher: "dispatcher-a",
  possibleRepeat: number === 2,
  test: false,
});

const progress = (done: number) => ({ total: 9, done, skipped: 1, cursor: `cursor-${done}` });

/** Of every kind, in an order in which they could happen. A kind that is missing here does not compile. */
const LOG_EVENTS: Readonly<{ [Kind in LogEvent["kind"]]: readonly Extract<LogEvent, { kind: Kind }>[] }> = {
  "delivery.created": [
    { ...of(0, 5), ...order(0), kind: "delivery.created", hold: undefined },
    { ...of(1, 5), ...order(1), kind: "delivery.created", hold: "ordered" },
    { ...of(2, 5), ...order(2), kind: "delivery.created", hold: undefined, origin: { kind: "test" } },
    {
      ...of(3, 5),
      ...order(3),
      kind: "delivery.created",
      hold: undefined,
      origin: { kind: "replay", replayId, replayOf: deliveryId(0) },
    },
  ],
  "delivery.skipped": [{ ...of(4, 6), ...order(4), kind: "delivery.skipped", reason: "webhook_inactive" }],
  "delivery.deferred": [
    {
      ...of(1, 7),
      kind: "delivery.deferred",
      reason: "circuit_open",
      notBeforeMs: AT_MS + 60_000,
      attempt: 1,
      release: 1,
      mayHaveBeenSent: true,
    },
  ],
  "attempt.failed": [
    {
      ...of(0, 1_050),
      kind: "attempt.failed",
      attempt: attempt(1, 503),
      errorClass: "status",
      errorMessage: "receiver answered 503",
      nextAtMs: AT_MS + 6_000,
      release: 0,
    },
    {
      ...of(3, 1_050),
      kind: "attempt.failed",
      attempt: attempt(1, undefined),
      errorClass: "timeout",
      errorMessage: "no answer in time",
      nextAtMs: undefined,
      release: 0,
    },
  ],
  "attempt.succeeded": [{ ...of(0, 2_050), kind: "attempt.succeeded", attempt: attempt(2, 204), release: 0 }],
  "delivery.exhausted": [
    { ...of(3, 1_060), kind: "delivery.exhausted", attempt: 1, reason: "attempts_exhausted", release: 0 },
  ],
  "delivery.cancelled": [{ ...of(1, 8_000), kind: "delivery.cancelled", reason: "webhook_deleted", release: 1 }],
  "delivery.retried": [{ ...of(3, 9_000), kind: "delivery.retried", by: "root", attempt: 2, release: 1, isOnly: true }],
  "event.unmatched": [{ orgId, eventId: eventId(5), atMs: AT_MS + 5, kind: "event.unmatched", event: facts(5) }],
  "replay.started": [
    {
      orgId,
      atMs: AT_MS + 3_000,
      kind: "replay.started",
      replayId,
      webhookId,
      sinceMs: AT_MS - 3_600_000,
      untilMs: AT_MS,
      statuses: ["exhausted", "skipped"],
      types: ["agent.*"],
      by: "root",
    },
  ],
  "replay.progressed": [{ orgId, atMs: AT_MS + 3_100, kind: "replay.progressed", replayId, progress: progress(4) }],
  "replay.finished": [{ orgId, atMs: AT_MS + 3_200, kind: "replay.finished", replayId, progress: progress(8) }],
  "webhook.disabled": [
    { orgId, atMs: AT_MS + 4_000, kind: "webhook.disabled", webhookId, reason: "gone", configVersion: 7 },
  ],
  "circuit.opened": [{ orgId, atMs: AT_MS + 1_500, kind: "circuit.opened", webhookId, generation: 3 }],
  "circuit.closed": [{ orgId, atMs: AT_MS + 2_500, kind: "circuit.closed", webhookId, generation: 3 }],
  "configuration.changed": [
    {
      orgId,
      atMs: AT_MS + 500,
      kind: "configuration.changed",
      changeId: "0195c8a0-0000-7000-8000-0000000000c1",
      actor: "root",
      action: "updateWebhook",
      subjectKind: "webhook",
      subjectId: webhookId,
      fields: ["url", "secret"],
      requestId: "request-1",
    },
  ],
};

export const logKinds: readonly string[] = Object.keys(LOG_EVENTS);

/** Messages as services batch them: by time, three events in each. */
export function logMessages(): readonly (readonly LogEvent[])[] {
  const events: LogEvent[] = Object.values(LOG_EVENTS).flat();
  const inOrder = events.toSorted((a, b) => a.atMs - b.atMs);
  return Array.from({ length: Math.ceil(inOrder.length / 3) }, (_, index) => inOrder.slice(index * 3, index * 3 + 3));
}

const acceptedEvent = (index: number) => ({
  id: eventId(index),
  orgId,
  type: "agent.run.done",
  timestamp: facts(index).timestamp,
  acceptedAtMs: AT_MS + index,
  data: Buffer.from(`{ "big": 123456789012345678901234567890, "é": ${index} }`),
  traceparent: facts(index).traceparent,
  callerId: facts(index).callerId,
  forWebhook: index === 2 ? webhookId : undefined,
  hops: index,
});

export const eventGroups = [[acceptedEvent(0)], [acceptedEvent(1), acceptedEvent(2)]];

const workItem = (index: number, changes: Partial<WorkItem> = {}): WorkItem => ({
  orgId,
  eventId: eventId(index),
  deliveryId: deliveryId(index),
  webhookId,
  eventType: "agent.run.done",
  acceptedAtMs: AT_MS + index,
  attempt: 1,
  release: 0,
  configRevision: 12,
  profile: "standard",
  possibleRepeat: false,
  place: facts(index).place,
  event: acceptedEvent(index),
  traceparent: facts(index).traceparent,
  messageId: deliveryId(index),
  eventTypePrefix: "",
  isOnly: false,
  terms: undefined,
  followers: [],
  mayHaveBeenSent: false,
  ...changes,
});

/** What RETRY holds one by one. */
export const releasedItems: readonly WorkItem[] = [
  workItem(0, { attempt: 2, event: undefined, possibleRepeat: true, mayHaveBeenSent: true }),
  workItem(1, {
    event: undefined,
    release: 3,
    isOnly: true,
    terms: { isProbe: true, circuitsClosed: 2, slot: { fromMs: AT_MS + 300, untilMs: AT_MS + 380 } },
    followers: [workItem(4, { event: undefined, release: 3 })],
  }),
  workItem(3, { deliveryId: replayedDeliveryIdOf(deliveryId(0), replayId), messageId: deliveryId(0) }),
];

/** What DELIVER holds together: two webhooks' items of one event, and one of a large event. */
export const bundledItems: readonly (readonly WorkItem[])[] = [
  bundleOf(acceptedEvent(0)),
  [workItem(5, { event: undefined })],
];

function bundleOf(event: ReturnType<typeof acceptedEvent>): readonly WorkItem[] {
  const otherId = made(parseDeliveryId("0195c8a0-0000-5000-8000-0000000000d1"));
  return [workItem(0, { event }), workItem(0, { event, deliveryId: otherId, messageId: otherId })];
}
