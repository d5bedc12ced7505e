import { eventFactsToWire, logEventFromWire, type SendTestRequest, workItemToWire } from "@posthorn/contracts";
import {
  type AcceptedEvent,
  deliveryIdOf,
  type EventId,
  type LogEvent,
  type OrgId,
  type WebhookConfig,
  type WebhookId,
  type WorkItem,
} from "@posthorn/domain";
import { GrpcStatus } from "@posthorn/service-runtime";
import { describe, expect, it } from "vitest";
import type { Exchange } from "../core/record-exchange.ts";
import { RunningTests } from "./running-tests.ts";
import type { OutgoingRequest, Sent } from "./send-request.ts";
import { createSendTest, type TestedWebhook, type TestPorts } from "./send-test.ts";

const ORG = "6ba7b810-9dad-11d1-80b4-00c04fd430c8" as OrgId;
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
const EVENT = "0190163d-8694-739b-aea5-966c26f8ad91" as EventId;
const NOW_MS = 1_774_359_420_000;
const PLACE = { epochMs: 1, sequence: 1, index: 0 };

const event: AcceptedEvent = {
  id: EVENT,
  orgId: ORG,
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: NOW_MS,
  data: Buffer.from("{}"),
  traceparent: "",
  callerId: undefined,
  forWebhook: WEBHOOK,
  hops: 0,
};
const deliveryId = deliveryIdOf(EVENT, WEBHOOK);
const item: WorkItem = {
  deliveryId,
  orgId: ORG,
  webhookId: WEBHOOK,
  eventId: EVENT,
  eventType: event.type,
  acceptedAtMs: NOW_MS,
  attempt: 1,
  release: 0,
  configRevision: 7,
  profile: "standard",
  possibleRepeat: false,
  place: PLACE,
  event,
  traceparent: "",
  messageId: deliveryId,
  eventTypePrefix: "",
  isOnly: false,
  terms: undefined,
  followers: [],
  mayHaveBeenSent: false,
};
const facts = { type: event.type, timestamp: undefined, acceptedAtMs: NOW_MS, callerId: undefined, traceparent: "" };
const request = (changes: Partial<WorkItem> = {}): SendTestRequest => ({
  item: workItemToWire({ ...item, ...changes }),
  event: eventFactsToWire({ ...facts, place: PLACE }),
});

/** With retries that a test must not make. */
const webhook = {
  id: WEBHOOK,
  orgId: ORG,
  url: "https://example.com/",
  retryDelaysS: [5, 5],
} as unknown as WebhookConfig;

const exchange = (result: Exchange["result"]): Exchange => ({
  attempt: 1,
  url: webhook.url,
  requestHeaders: [],
  startedAtMs: NOW_MS,
  durationMs: 5,
  dispatcher: "dispatcher-1",
  possibleRepeat: false,
  isTest: true,
  result,
});
const answered = (status: number): Sent => ({
  kind: "exchanged",
  exchange: exchange({ kind: "response", status, headers: [], body: Buffer.from("hm"), truncated: false }),
});

type Scene = {
  /** What comes of the requests, one after the other. */
  readonly sends?: readonly Sent[];
  /** Without asking whether it may: nothing was to leave. */
  readonly staysHere?: boolean;
  readonly lookup?: TestedWebhook;
  readonly reached?: (revision: number) => Promise<void>;
  readonly running?: RunningTests;
  /** Called when all is ready for a request to leave. */
  readonly onReady?: () => void;
};

function tester({ sends = [answered(200)], staysHere = false, lookup, reached, running, onReady }: Scene = {}) {
  const logged: (readonly LogEvent[])[] = [];
  const requests: OutgoingRequest[] = [];
  const results: string[] = [];
  const outcomes = [...sends];
  const ports: TestPorts = {
    running: running ?? new RunningTests(1),
    configuration: {
      reached: reached ?? (async () => {}),
      lookUp: () => lookup ?? { kind: "present", webhook },
    },
    sendRequest: async (outgoing) => {
      requests.push(outgoing);
      const sent = outcomes.shift() ?? answered(200);
      const isSent = sent.kind === "exchanged" || sent.kind === "aborted";
      if (!isSent || staysHere) return sent;
      onReady?.();
      const leave = await outgoing.mayLeave();
      return leave === "yes" ? sent : { kind: "not_sent", reason: "lease_lost" };
    },
    log: {
      append: async (_partition, events) => {
        logged.push(events);
      },
    },
    events: { tested: (result) => results.push(result) },
    dispatcher: "dispatcher-1",
    nowMs: () => NOW_MS,
  };
  const sendTest = createSendTest(ports);
  const send = async (asked = request(), gaveUp = new AbortController().signal) => {
    const result = await sendTest(asked, gaveUp);
    if (result.kind === "refusal") return result;
    return { events: result.response.events.map(logEventFromWire), refusal: result.response.refusal };
  };
  return { send, logged, requests, results };
}

describe("a test", () => {
  it("is logged as created before it leaves, and answered with all that the log has of it", async () => {
    const { send, logged, requests, results } = tester();
    const answer = await send();
    expect(logged.map((events) => events.map(({ kind }) => kind))).toEqual([
      ["delivery.created"],
      ["attempt.succeeded"],
    ]);
    expect(answer).toEqual({ events: logged.flat(), refusal: "" });
    expect(logged.flat()).toMatchObject([
      { origin: { kind: "test" }, hold: undefined, deliveryId, event: { type: "agent.status" } },
      { attempt: { test: true, statusCode: 200, number: 1 } },
    ]);
    expect(requests).toMatchObject([{ isTest: true, possibleRepeat: false, event: { id: EVENT } }]);
    expect(results).toEqual(["succeeded"]);
  });

  it("that fails is never retried, whatever the webhook's schedule says", async () => {
    const { send, results } = tester({ sends: [answered(500)] });
    expect(await send()).toMatchObject({
      events: [
        { kind: "delivery.created" },
        { kind: "attempt.failed", errorClass: "status", nextAtMs: undefined },
        { kind: "delivery.exhausted", reason: "attempts_exhausted", attempt: 1 },
      ],
      refusal: "",
    });
    expect(results).toEqual(["status"]);
  });

  it("of which nothing could be sent is logged whole, in one message", async () => {
    const failure = { kind: "failed", errorClass: "blocked", message: "not public" } as const;
    const { send, logged } = tester({ sends: [{ kind: "exchanged", exchange: exchange(failure) }], staysHere: true });
    await send();
    expect(logged.map((events) => events.map(({ kind }) => kind))).toEqual([
      ["delivery.created", "attempt.failed", "delivery.exhausted"],
    ]);
  });

  it("that the process cut short has failed: nobody comes back to it", async () => {
    const { send, logged } = tester({ sends: [{ kind: "aborted" }] });
    await send();
    expect(logged.flat()).toMatchObject([
      { kind: "delivery.created" },
      { kind: "attempt.failed", errorClass: "reset", attempt: { test: true, dispatcher: "dispatcher-1" } },
      { kind: "delivery.exhausted" },
    ]);
  });

  it("is signed anew when its signature has grown old", async () => {
    const { send, requests } = tester({ sends: [{ kind: "reconsider" }, answered(200)] });
    expect(await send()).toMatchObject({ refusal: "" });
    expect(requests).toHaveLength(2);
  });

  it("waits for the configuration that its caller has seen", async () => {
    const revisions: number[] = [];
    const { send } = tester({ reached: async (revision) => void revisions.push(revision) });
    await send();
    expect(revisions).toEqual([7]);
  });

  it.each<[string, Scene]>([
    ["webhook_deleted", { lookup: { kind: "deleted" } }],
    ["webhook_unknown", { lookup: { kind: "absent" } }],
    ["webhook_unknown", { lookup: { kind: "present", webhook: { ...webhook, orgId: EVENT as unknown as OrgId } } }],
    ["unsignable", { sends: [{ kind: "unsignable", refusal: "no_secret" }] }],
    ["stopping", { sends: [{ kind: "not_sent", reason: "stopping" }] }],
  ])("that is refused as %s leaves nothing in the log", async (refusal, scene) => {
    const { send, logged, results } = tester(scene);
    expect(await send()).toEqual({ events: [], refusal });
    expect(logged).toEqual([]);
    expect(results).toEqual([refusal]);
  });

  it("is refused as busy while as many run as may, and as stopping at a stop", async () => {
    const running = new RunningTests(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const { send } = tester({ running, reached: () => promise });
    const first = send();
    expect(await send()).toEqual({ events: [], refusal: "busy" });
    resolve();
    expect(await first).toMatchObject({ refusal: "" });
    await running.stop(0);
    expect(await send()).toEqual({ events: [], refusal: "stopping" });
  });

  it("whose caller gives up before it leaves is not made, and holds nobody up", async () => {
    const gaveUp = new AbortController();
    const waiting = tester({ reached: () => new Promise(() => {}) });
    const answer = waiting.send(request(), gaveUp.signal);
    gaveUp.abort();
    expect(await answer).toMatchObject({ events: [] });
    const late = tester();
    await late.send(request(), gaveUp.signal);
    const signing = new AbortController();
    const signed = tester({ onReady: () => signing.abort() });
    await signed.send(request(), signing.signal);
    expect(signed.requests).toHaveLength(1);
    expect([...waiting.logged, ...late.logged, ...signed.logged]).toEqual([]);
  });

  it("whose caller gives up after it left is logged to its end", async () => {
    const gaveUp = new AbortController();
    const { send, logged, requests } = tester();
    const answer = send(request(), gaveUp.signal);
    await new Promise((settled) => setImmediate(settled));
    gaveUp.abort();
    await answer;
    expect(requests).toHaveLength(1);
    expect(logged.flat().map(({ kind }) => kind)).toEqual(["delivery.created", "attempt.succeeded"]);
  });
});

describe("a call that cannot be read", () => {
  it.each<[string, SendTestRequest]>([
    ["item is missing.", { ...request(), item: undefined }],
    ["event is missing or malformed.", { ...request(), event: undefined }],
    ["item.event is missing.", request({ event: undefined })],
    [
      "item.event is another event than the item's.",
      request({ event: { ...event, id: WEBHOOK as unknown as EventId } }),
    ],
    [
      "item.event is another event than the item's.",
      request({ event: { ...event, orgId: EVENT as unknown as OrgId } }),
    ],
    ["org_id is missing or malformed.", request({ orgId: "acme" as OrgId })],
  ])("is refused: %s", async (detail, asked) => {
    const { send, logged } = tester();
    expect(await send(asked)).toEqual({ kind: "refusal", code: GrpcStatus.INVALID_ARGUMENT, detail });
    expect(logged).toEqual([]);
  });
});
