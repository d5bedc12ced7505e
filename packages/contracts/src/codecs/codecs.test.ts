import {
  type AcceptedEvent,
  type ApiKeyId,
  type AttemptRecord,
  type ConfigValue,
  type DeliveryId,
  type DeliveryOrder,
  type EventId,
  type EventTypeId,
  type LogEvent,
  type OrgId,
  type ReplayId,
  uuidv5,
  type WebhookId,
  type WorkItem,
} from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { decodeConfigValue, decodeSentinel, encodeConfigValue, encodeSentinel } from "./config-codec.ts";
import { decodeEventGroup, encodedEventBytes, encodeEventGroup } from "./event-codec.ts";
import {
  decodeLogEvents,
  decodeLogEventsNaming,
  decodeLogFacts,
  encodedLogEventBytes,
  encodeLogEvents,
} from "./log-codec.ts";
import { encoding } from "./wire.ts";
import { decodeWork, decodeWorkItem, encodeWorkBundle, encodeWorkItem } from "./work-item-codec.ts";

const NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const uuid = (name: string) => uuidv5(NAMESPACE, name);
const orgId = uuid("org") as OrgId;
const webhookId = uuid("webhook") as WebhookId;
const eventId = uuid("event") as EventId;
const deliveryId = uuid("delivery") as DeliveryId;
const place = { epochMs: 1_750_000_000_123, sequence: 42, index: 3 };

const accepted: AcceptedEvent = {
  id: eventId,
  orgId,
  type: "agent.status",
  timestamp: "2026-03-24T13:37:00Z",
  acceptedAtMs: 1_750_000_000_456,
  data: Buffer.from('{"n": 123456789012345678901234567890}'),
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  callerId: undefined,
  forWebhook: undefined,
  hops: 0,
};

const facts = {
  type: accepted.type,
  timestamp: undefined,
  acceptedAtMs: accepted.acceptedAtMs,
  callerId: "caller-1",
  place,
  traceparent: accepted.traceparent,
};

const attempt: AttemptRecord = {
  number: 2,
  startedAtMs: 1_750_000_001_000,
  durationMs: 12,
  statusCode: undefined,
  url: "https://example.com/?token=***",
  requestHeaders: [["webhook-id", deliveryId]],
  responseHeaders: [["retry-after", "5"]],
  responseBody: Buffer.from([0, 255, 10]),
  responseTruncated: true,
  dispatcher: "dispatcher-1",
  possibleRepeat: true,
  test: true,
};

const ofOrganisation = { orgId, atMs: 1_750_000_002_000 };
const replayId = uuid("replay") as ReplayId;
const order: DeliveryOrder = { event: facts, profile: "mutx", eventTypePrefix: "myop-", origin: { kind: "match" } };
const replay = { kind: "replay", replayId, replayOf: uuid("original") as DeliveryId } as const;
const ofDelivery = { orgId, eventId, deliveryId, webhookId, atMs: 1_750_000_002_000 };

/** One of every kind, and both forms of what may be absent. */
const LOG_EVENTS: readonly LogEvent[] = [
  { ...ofDelivery, kind: "delivery.created", ...order, hold: undefined },
  { ...ofDelivery, kind: "delivery.created", ...order, origin: { kind: "test" }, hold: "ordered" },
  { ...ofDelivery, kind: "delivery.created", ...order, origin: replay, hold: "replay" },
  { ...ofDelivery, kind: "delivery.skipped", ...order, reason: "loop" },
  { ...ofDelivery, kind: "delivery.retried", by: "root", attempt: 2, release: 1, isOnly: true },
  {
    ...ofDelivery,
    kind: "delivery.deferred",
    reason: "webhook_inactive",
    notBeforeMs: 1_750_000_009_000,
    attempt: 2,
    release: 1,
    mayHaveBeenSent: true,
  },
  {
    ...ofDelivery,
    kind: "attempt.succeeded",
    attempt: { ...attempt, statusCode: 204, possibleRepeat: false },
    release: 0,
  },
  { ...ofDelivery, kind: "attempt.succeeded", attempt, release: undefined },
  {
    ...ofDelivery,
    kind: "attempt.failed",
    attempt,
    errorClass: "timeout",
    errorMessage: "no answer within 15000 ms – 日本",
    nextAtMs: 1_750_000_003_000,
    release: 2,
  },
  {
    ...ofDelivery,
    kind: "attempt.failed",
    attempt,
    errorClass: "dns",
    errorMessage: "",
    nextAtMs: undefined,
    release: undefined,
  },
  { ...ofDelivery, kind: "delivery.exhausted", attempt: 2, release: 0, reason: "attempts_exhausted" },
  { ...ofDelivery, kind: "delivery.exhausted", attempt: 2, release: undefined, reason: "gone" },
  { ...ofDelivery, kind: "delivery.cancelled", release: 3, reason: "webhook_deleted" },
  { ...ofDelivery, kind: "delivery.cancelled", release: undefined, reason: "payload_deleted" },
  { orgId, eventId, atMs: 1_750_000_002_000, kind: "event.unmatched", event: facts },
  {
    ...ofOrganisation,
    kind: "replay.started",
    replayId,
    webhookId,
    sinceMs: 1,
    untilMs: 1_750_000_002_000,
    statuses: ["exhausted", "skipped"],
    types: Array.from({ length: 100 }, () => "a".repeat(128)),
    by: uuid("key"),
  },
  { ...ofOrganisation, kind: "replay.progressed", replayId, progress: { total: 9, done: 3, skipped: 1, cursor: "c" } },
  { ...ofOrganisation, kind: "replay.finished", replayId, progress: { total: 9, done: 8, skipped: 1, cursor: "" } },
  { ...ofOrganisation, kind: "webhook.disabled", webhookId, reason: "gone", configVersion: 7 },
  { ...ofOrganisation, kind: "circuit.opened", webhookId, generation: 3 },
  { ...ofOrganisation, kind: "circuit.closed", webhookId, generation: 3 },
  {
    ...ofOrganisation,
    kind: "configuration.changed",
    changeId: uuid("change"),
    actor: "root",
    action: "updateWebhook",
    subjectKind: "webhook",
    subjectId: webhookId,
    fields: ["url", "secret"],
    requestId: "request-1",
  },
];

const ITEM: WorkItem = {
  ...{ orgId, eventId, deliveryId, webhookId },
  eventType: "agent.status",
  acceptedAtMs: accepted.acceptedAtMs,
  attempt: 1,
  release: 0,
  configRevision: 77,
  profile: "nextmv",
  possibleRepeat: true,
  place,
  event: accepted,
  traceparent: accepted.traceparent,
  messageId: deliveryId,
  eventTypePrefix: "",
  isOnly: false,
  terms: undefined,
  followers: [],
  mayHaveBeenSent: false,
};

const RELEASED: WorkItem = {
  ...ITEM,
  event: undefined,
  attempt: 3,
  release: 2,
  possibleRepeat: false,
  messageId: uuid("original") as DeliveryId,
  eventTypePrefix: "myop-",
  isOnly: true,
  mayHaveBeenSent: true,
  terms: { isProbe: true, circuitsClosed: 4, slot: { fromMs: 1_750_000_000_000, untilMs: 1_750_000_000_100 } },
};

const CONFIG_VALUES: readonly ConfigValue[] = [
  { kind: "deleted", version: 9 },
  { kind: "present", version: 1, entry: { kind: "organisation", id: orgId, strictEventTypes: true } },
  ...[undefined, "{}"].map(
    (schema): ConfigValue => ({
      kind: "present",
      version: 4,
      entry: { kind: "event-type", id: uuid("type") as EventTypeId, orgId, name: "agent.status", schema },
    }),
  ),
  { kind: "present", version: 1, entry: { kind: "payload-deletion", id: eventId, orgId } },
  {
    kind: "present",
    version: 2,
    entry: { kind: "api-key", id: uuid("key") as ApiKeyId, orgId, hash: "ab".repeat(32), scope: "ci" },
  },
  ...[undefined, [], [1, 2]].map(
    (retryDelaysS): ConfigValue => ({
      kind: "present",
      version: 3,
      entry: {
        kind: "webhook",
        id: webhookId,
        orgId,
        url: "https://example.com/",
        patterns: ["agent.*", "*"],
        profile: "standard",
        timeoutMs: retryDelaysS === undefined ? undefined : 5_000,
        retryDelaysS,
        isActive: retryDelaysS === undefined,
        disabledByEngine: retryDelaysS === undefined,
        secrets: [
          { ciphertext: Buffer.from([1, 2, 3]), signsUntilMs: undefined },
          { ciphertext: Buffer.from([4]), signsUntilMs: 1_750_000_000_000 },
        ],
        legacySignsWith: retryDelaysS === undefined ? "old" : "new",
        hasSecret: retryDelaysS === undefined,
        filter: retryDelaysS === undefined ? undefined : "data.ok",
        eventTypePrefix: retryDelaysS === undefined ? "" : "myop-",
        sealedToken: retryDelaysS === undefined ? undefined : Buffer.from([5]),
        sealedHeaders: retryDelaysS === undefined ? undefined : Buffer.from([6]),
        rateLimit: retryDelaysS === undefined ? undefined : 50,
        ordered: retryDelaysS !== undefined,
      },
    }),
  ),
];

describe("the codecs give back what they were given", () => {
  it("for log events of every kind, alone and together", () => {
    expect(decodeLogEvents(encodeLogEvents(LOG_EVENTS))).toEqual({ kind: "decoded", value: LOG_EVENTS });
    for (const event of LOG_EVENTS) {
      expect(decodeLogEvents(encodeLogEvents([event]))).toEqual({ kind: "decoded", value: [event] });
    }
  });

  it("for the facts of log events of every kind, which leave out the exchanges and nothing else", () => {
    const facts = LOG_EVENTS.map((event) => {
      if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") return event;
      const { number, startedAtMs, durationMs, statusCode, dispatcher, test } = event.attempt;
      return { ...event, attempt: { number, startedAtMs, durationMs, statusCode, dispatcher, test } };
    });
    expect(decodeLogFacts(encodeLogEvents(LOG_EVENTS))).toEqual({ kind: "decoded", value: facts });
  });

  it("for those log events of a message that name an id, whatever stands around them", () => {
    const own = uuid("own delivery") as DeliveryId;
    const named = LOG_EVENTS.flatMap((event) => ("deliveryId" in event ? [{ ...event, deliveryId: own }] : []));
    const between = named.flatMap((event) => [...LOG_EVENTS, event]);
    const bytes = Buffer.concat([encodeLogEvents(between), encodeLogEvents(LOG_EVENTS)]);
    expect(named.length).toBeGreaterThan(5);
    expect(decodeLogEventsNaming(bytes, own)).toEqual({ kind: "decoded", value: named });
    expect(decodeLogEventsNaming(bytes, uuid("a stranger"))).toEqual({ kind: "decoded", value: [] });
  });

  it("for log messages put one behind the other", () => {
    const joined = Buffer.concat(LOG_EVENTS.map((event) => encodeLogEvents([event])));
    expect(decodeLogEvents(joined)).toEqual({ kind: "decoded", value: LOG_EVENTS });
  });

  it("for groups of events", () => {
    const events = [
      accepted,
      { ...accepted, timestamp: undefined, callerId: "caller-2", forWebhook: webhookId, hops: 3 },
    ];
    expect(decodeEventGroup(encodeEventGroup(events))).toEqual({ kind: "decoded", value: events });
  });

  it.each([
    ITEM,
    { ...ITEM, event: undefined, attempt: 3, release: 2, possibleRepeat: false },
    RELEASED,
    { ...RELEASED, terms: { isProbe: false, circuitsClosed: 0, slot: undefined } },
    { ...ITEM, followers: [RELEASED, ITEM] },
  ])("for work items with and without their event, their terms and their followers", (item) => {
    expect(decodeWorkItem(encodeWorkItem(item))).toEqual({ kind: "decoded", value: item });
  });

  it("for bundles of work items, which hold an event once however many carry it", () => {
    const other = { ...accepted, data: Buffer.from("{}") };
    const items = [ITEM, RELEASED, { ...ITEM, attempt: 2 }, { ...ITEM, event: other }, { ...ITEM, event: undefined }];
    const decoded = items.map((value) => ({ kind: "decoded", value }));
    expect(decodeWork(encodeWorkBundle(items))).toEqual({ kind: "decoded", value: decoded });
    const [one, two] = [1, 2].map((count) => encodeWorkBundle(new Array<WorkItem>(count).fill(ITEM)).length);
    expect(two).toBeLessThan(2 * (one ?? 0) - accepted.data.length);
  });

  it("for a single work item, read as a bundle of one", () => {
    expect(decodeWork(encodeWorkItem(ITEM))).toEqual({ kind: "decoded", value: [{ kind: "decoded", value: ITEM }] });
  });

  it.each(CONFIG_VALUES)("for configuration values", (value) => {
    expect(decodeConfigValue(encodeConfigValue(value, 5))).toEqual({ kind: "decoded", value });
  });

  it("for the sentinel", () => {
    expect(decodeSentinel(encodeSentinel(1_750_000_000_000))).toEqual({ kind: "decoded", value: 1_750_000_000_000 });
  });
});

describe("the bounds on encoded sizes", () => {
  it("are never exceeded", () => {
    for (const event of LOG_EVENTS) {
      expect(encodeLogEvents([event]).length).toBeLessThanOrEqual(encodedLogEventBytes(event));
    }
    expect(encodeEventGroup([accepted]).length).toBeLessThanOrEqual(encodedEventBytes(accepted));
  });
});

describe("decoding", () => {
  it.each([
    ["bytes that are no protobuf", Buffer.from([0xff, 0xff, 0xff])],
    ["a message without its ids", Buffer.alloc(0)],
  ])("refuses %s as a value", (_title, bytes) => {
    expect(decodeWorkItem(bytes).kind).toBe("undecodable");
    expect(decodeWork(bytes).kind).toBe("undecodable");
  });

  it("reads a bundle's sound items beside one that it cannot read", () => {
    const strange = { ...ITEM, profile: "unheard-of" } as unknown as WorkItem;
    expect(decodeWork(encodeWorkBundle([strange, ITEM]))).toMatchObject({
      value: [{ kind: "undecodable", reason: expect.stringContaining("profile") }, { value: ITEM }],
    });
  });

  it("refuses an item of a bundle that carries another's event", () => {
    const foreign = { ...ITEM, eventId: deliveryId as unknown as WorkItem["eventId"] };
    expect(decodeWork(encodeWorkBundle([foreign, ITEM]))).toMatchObject({
      value: [{ kind: "undecodable", reason: expect.stringContaining("another event") }, { value: ITEM }],
    });
  });

  it("refuses a profile and a reason that it does not know", () => {
    const item = { ...ITEM, profile: "unheard-of" } as unknown as WorkItem;
    expect(decodeWorkItem(encodeWorkItem(item))).toMatchObject({ reason: expect.stringContaining("profile") });
    const event = { ...ofDelivery, kind: "delivery.cancelled", reason: "unheard-of" } as unknown as LogEvent;
    expect(decodeLogEvents(encodeLogEvents([event]))).toMatchObject({ reason: expect.stringContaining("reason") });
  });

  it("reads what names an id beside events that it cannot read, and refuses what names it and cannot be read", () => {
    const own = uuid("own delivery") as DeliveryId;
    const strange = { ...ofDelivery, kind: "delivery.cancelled", reason: "unheard-of" } as unknown as LogEvent;
    const [event] = LOG_EVENTS.filter((each) => each.kind === "attempt.failed");
    const named = { ...event, deliveryId: own } as LogEvent;
    const beside = encodeLogEvents([strange, named, strange]);
    expect(decodeLogEventsNaming(beside, own)).toEqual({ kind: "decoded", value: [named] });
    expect(decodeLogEventsNaming(beside, deliveryId)).toMatchObject({ reason: expect.stringContaining("reason") });
  });
});

describe("encoding", () => {
  it("leaves nothing of a message that failed in the next one", () => {
    const failing = () =>
      encoding((writer) => {
        writer.uint32(10).fork().string("half a message");
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    expect(decodeWorkItem(encodeWorkItem(ITEM))).toEqual({ kind: "decoded", value: ITEM });
  });
});
