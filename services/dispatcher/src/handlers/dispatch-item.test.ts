import { encodeWorkItem } from "@posthorn/contracts";
import {
  type AcceptedEvent,
  type DeliveryEvent,
  deliveryIdOf,
  type EventId,
  type OrgId,
  type WebhookConfig,
  type WebhookId,
  type WorkItem,
} from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { describe, expect, it } from "vitest";
import type { DispatcherEvents } from "../events.ts";
import type { FenceAnswer } from "../io/fence.ts";
import { createDispatchItem, type DispatchPorts } from "./dispatch-item.ts";
import type { OutgoingRequest, Sent } from "./send-request.ts";

const ORG = "6ba7b810-9dad-11d1-80b4-00c04fd430c8" as OrgId;
const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
const EVENT = "0190163d-8694-739b-aea5-966c26f8ad91" as EventId;
const NOW_MS = 1_774_359_420_000;

const event: AcceptedEvent = {
  id: EVENT,
  orgId: ORG,
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: NOW_MS,
  data: Buffer.from("{}"),
  traceparent: "",
  callerId: undefined,
};

const item: WorkItem = {
  deliveryId: deliveryIdOf(EVENT, WEBHOOK),
  orgId: ORG,
  webhookId: WEBHOOK,
  eventId: EVENT,
  eventType: event.type,
  acceptedAtMs: NOW_MS,
  attempt: 1,
  release: 0,
  configRevision: 1,
  profile: "standard",
  possibleRepeat: false,
  place: { epochMs: 1, sequence: 1, index: 0 },
  event,
  traceparent: "",
};

const webhook: WebhookConfig = {
  kind: "webhook",
  id: WEBHOOK,
  orgId: ORG,
  url: "https://example.com/",
  patterns: ["*"],
  profile: "standard",
  timeoutMs: undefined,
  retryDelaysS: [],
  isActive: true,
  sealedSecrets: [],
};

const ok: Sent = {
  kind: "exchanged",
  exchange: {
    attempt: 1,
    url: webhook.url,
    requestHeaders: [],
    startedAtMs: NOW_MS,
    durationMs: 5,
    dispatcher: "dispatcher-1",
    possibleRepeat: false,
    result: { kind: "response", status: 200, headers: [], body: Buffer.alloc(0), truncated: false },
  },
};

const silent: DispatcherEvents = {
  attempted: () => {},
  fenced: () => {},
  settledWithoutAttempt: () => {},
  handedBack: () => {},
  setAside: () => {},
  unsignable: () => {},
  failed: () => {},
  trouble: () => {},
};

type Message = TakenMessage & { isAcked: boolean; givenBackAfterMs: number | undefined };

function message(changes: Partial<TakenMessage> = {}): Message {
  return {
    subject: "deliver.0",
    data: encodeWorkItem(item),
    sequence: 1,
    storedAtMs: NOW_MS,
    partition: 0,
    mayBeRepeat: false,
    isRedelivered: false,
    leaseEndsAtMs: () => Number.POSITIVE_INFINITY,
    isAcked: false,
    givenBackAfterMs: undefined,
    ack() {
      this.isAcked = true;
    },
    giveBack(delayMs) {
      this.givenBackAfterMs = delayMs;
    },
    working() {},
    ...changes,
  };
}

/** A dispatcher whose requests have these outcomes, one after the other. */
function dispatcher(changes: Partial<DispatchPorts> & { sends?: Sent[]; fenceSays?: FenceAnswer }) {
  const requests: OutgoingRequest[] = [];
  const logged: DeliveryEvent[] = [];
  const sends = [...(changes.sends ?? [ok])];
  const dispatch = createDispatchItem({
    configuration: { reached: async () => {}, plan: () => ({ kind: "send", webhook }) },
    fence: { lookUp: async () => changes.fenceSays ?? "open" },
    payloads: { read: async () => ({ kind: "found", event }) },
    sendRequest: async (request) => {
      requests.push(request);
      const sent = sends.shift();
      if (sent === undefined) throw new Error("more requests than the test knows of");
      return sent;
    },
    log: {
      append: async (_partition, events) => {
        logged.push(...events);
      },
    },
    events: silent,
    chance: { nowMs: () => NOW_MS, roll: () => 0.5 },
    ...changes,
  });
  return { dispatch, requests, logged };
}

describe("a work item", () => {
  it("is acknowledged when its outcome is in the log, and not before", async () => {
    const { promise: isLogged, resolve } = Promise.withResolvers<void>();
    const { dispatch } = dispatcher({ log: { append: () => isLogged } });
    const taken = message();
    const done = dispatch(taken);
    await new Promise((settled) => setImmediate(settled));
    expect(taken.isAcked).toBe(false);
    resolve();
    await done;
    expect(taken.isAcked).toBe(true);
  });

  it("stays unacknowledged when its outcome cannot be logged", async () => {
    const { dispatch } = dispatcher({ log: { append: () => Promise.reject(new Error("closed")) } });
    const taken = message();
    await expect(dispatch(taken)).rejects.toThrow("closed");
    expect(taken).toMatchObject({ isAcked: false, givenBackAfterMs: undefined });
  });

  it("is planned anew in place when signing took too long, and not handed back as a repeat of itself", async () => {
    const { dispatch, requests, logged } = dispatcher({ sends: [{ kind: "reconsider" }, ok] });
    const taken = message();
    await dispatch(taken);
    expect(requests.map((request) => request.possibleRepeat)).toEqual([false, false]);
    expect(logged.map(({ kind }) => kind)).toEqual(["attempt.succeeded"]);
    expect(taken).toMatchObject({ isAcked: true, givenBackAfterMs: undefined });
  });

  it.each<[string, Partial<TakenMessage>, FenceAnswer, boolean]>([
    ["was handed out before", { isRedelivered: true, mayBeRepeat: true }, "open", true],
    ["only waited while nobody looked", { mayBeRepeat: true }, "open", false],
    ["could not be looked up", { mayBeRepeat: true }, "unknown", true],
  ])("that %s is sent with possibleRepeat accordingly", async (_title, changes, fenceSays, expected) => {
    const { dispatch, requests } = dispatcher({ fenceSays });
    await dispatch(message(changes));
    expect(requests.map((request) => request.possibleRepeat)).toEqual([expected]);
  });

  it("is looked up when it is a copy of one in hand, after that one's end", async () => {
    const { promise: sent, resolve } = Promise.withResolvers<Sent>();
    const lookUps: string[] = [];
    const { dispatch, logged } = dispatcher({
      sendRequest: () => sent,
      fence: {
        lookUp: async () => {
          lookUps.push(`after ${logged.length} outcomes`);
          return "settled";
        },
      },
    });
    const [first, copy] = [message(), message()];
    const done = [dispatch(first), dispatch(copy)];
    await new Promise((settled) => setImmediate(settled));
    expect(lookUps).toEqual([]);
    resolve(ok);
    await Promise.all(done);
    expect(lookUps).toEqual(["after 1 outcomes"]);
    expect([first.isAcked, copy.isAcked]).toEqual([true, true]);
  });

  it.each<[string, Sent, number | undefined]>([
    ["handed back when it is no longer ours", { kind: "not_sent", reason: "lease_lost" }, 0],
    ["handed back when the process stops before its request", { kind: "not_sent", reason: "stopping" }, 0],
    ["left to its lease when the process stops under its request", { kind: "aborted" }, undefined],
    ["handed back for a while when it cannot be signed", { kind: "unsignable", refusal: "no_secret" }, 30_000],
  ])("is %s, and nothing is logged", async (_title, sent, givenBackAfterMs) => {
    const { dispatch, logged } = dispatcher({ sends: [sent] });
    const taken = message();
    await dispatch(taken);
    expect(taken).toMatchObject({ isAcked: false, givenBackAfterMs });
    expect(logged).toEqual([]);
  });

  it("is handed back while its payload cannot be read, and ends when the payload is gone", async () => {
    const unavailable = dispatcher({ payloads: { read: async () => ({ kind: "unavailable" }) } });
    const waits = message();
    await unavailable.dispatch(waits);
    expect(waits).toMatchObject({ isAcked: false, givenBackAfterMs: 1_000 });
    const gone = dispatcher({ payloads: { read: async () => ({ kind: "gone" }) } });
    const ends = message();
    await gone.dispatch(ends);
    expect(ends.isAcked).toBe(true);
    expect(gone.logged).toMatchObject([{ kind: "delivery.exhausted", reason: "payload_gone" }]);
  });
});
