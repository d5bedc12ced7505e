/** One work item and everything that its handling asks of others, for unit tests. */

import { randomUUID } from "node:crypto";
import { encodeWorkItem } from "@posthorn/contracts";
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
import type { TakenMessage } from "@posthorn/message-bus";
import { onTestFinished } from "vitest";
import type { Exchange } from "../core/record-exchange.ts";
import type { DispatcherEvents } from "../events.ts";
import type { FenceAnswer } from "../io/fence.ts";
import type { DispatchPorts } from "./deliver-item.ts";
import { createDispatchItem } from "./dispatch-item.ts";
import type { OutgoingRequest, Sent } from "./send-request.ts";
import { WebhookGates } from "./webhook-gates.ts";

export const ORG = "6ba7b810-9dad-11d1-80b4-00c04fd430c8" as OrgId;
export const WEBHOOK = "0190163d-8694-739b-aea5-966c26f8ad90" as WebhookId;
const EVENT = "0190163d-8694-739b-aea5-966c26f8ad91" as EventId;
export const NOW_MS = 1_774_359_420_000;

export const event: AcceptedEvent = {
  id: EVENT,
  orgId: ORG,
  type: "agent.status",
  timestamp: undefined,
  acceptedAtMs: NOW_MS,
  data: Buffer.from("{}"),
  traceparent: "",
  callerId: undefined,
  forWebhook: undefined,
  hops: 0,
};

export const item: WorkItem = {
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
  messageId: deliveryIdOf(EVENT, WEBHOOK),
  eventTypePrefix: "",
  isOnly: false,
  terms: undefined,
  followers: [],
  mayHaveBeenSent: false,
};

export const webhook: WebhookConfig = {
  kind: "webhook",
  id: WEBHOOK,
  orgId: ORG,
  url: "https://example.com/",
  patterns: ["*"],
  profile: "standard",
  timeoutMs: undefined,
  retryDelaysS: [],
  isActive: true,
  disabledByEngine: false,
  secrets: [],
  legacySignsWith: "old",
  hasSecret: true,
  filter: undefined,
  eventTypePrefix: "",
  sealedToken: undefined,
  sealedHeaders: undefined,
  rateLimit: undefined,
  ordered: false,
};

const response = { kind: "response", status: 200, headers: [], body: Buffer.alloc(0), truncated: false } as const;
const exchange: Exchange = {
  attempt: 1,
  url: webhook.url,
  requestHeaders: [],
  startedAtMs: NOW_MS,
  durationMs: 5,
  dispatcher: "dispatcher-1",
  possibleRepeat: false,
  isTest: false,
  result: response,
};
export const ok: Sent = { kind: "exchanged", exchange };

export const silent: DispatcherEvents = {
  attempted: () => {},
  tested: () => {},
  fenced: () => {},
  parked: () => {},
  circuitChanged: () => {},
  gaveUp: () => {},
  settledWithoutAttempt: () => {},
  handedBack: () => {},
  setAside: () => {},
  unsignable: () => {},
  consumerRelieved: () => {},
  failed: () => {},
  trouble: () => {},
};

export type Message = TakenMessage & { isAcked: boolean; givenBackAfterMs: number | undefined };

export function message(changes: Partial<TakenMessage> = {}): Message {
  return {
    subject: "deliver.0",
    data: encodeWorkItem(item),
    sequence: 1,
    storedAtMs: NOW_MS,
    partition: 0,
    lane: "main",
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

/** An answer with this status. */
export const answered = (status: number): Sent => ({
  kind: "exchanged",
  exchange: { ...exchange, result: { ...response, status } },
});

/** No answer came. */
export const timedOut: Sent = {
  kind: "exchanged",
  exchange: { ...exchange, result: { kind: "failed", errorClass: "timeout", message: "no answer" } },
};

/** Another delivery to the same webhook. */
export function another(changes: Partial<WorkItem> = {}): WorkItem {
  const eventId = randomUUID() as EventId;
  const deliveryId = deliveryIdOf(eventId, WEBHOOK);
  return { ...item, eventId, deliveryId, messageId: deliveryId, event: { ...event, id: eventId }, ...changes };
}

export type Changes = Partial<DispatchPorts> & {
  readonly sends?: readonly Sent[];
  /** In order; the last one repeats. */
  readonly fenceSays?: FenceAnswer | readonly FenceAnswer[];
  readonly webhook?: Partial<WebhookConfig>;
};

/** A dispatcher whose requests have these outcomes, one after the other. */
export function dispatcher({ sends = [ok], fenceSays = "open", webhook: config = {}, ...changes }: Changes) {
  const requests: OutgoingRequest[] = [];
  const logged: LogEvent[] = [];
  /** The events of each log message. */
  const appended: (readonly LogEvent[])[] = [];
  const outcomes = [...sends];
  const answers = [fenceSays].flat();
  const gates = new WebhookGates();
  onTestFinished(() => gates[Symbol.dispose]());
  const present: WebhookConfig = { ...webhook, ...config };
  const dispatch = createDispatchItem({
    configuration: {
      reached: async () => {},
      plan: () => ({ kind: "send", webhook: present, version: 7 }),
      disable: () => true,
    },
    fence: { lookUp: async () => (answers.length > 1 ? answers.shift() : answers[0]) ?? "open" },
    payloads: { read: async () => ({ kind: "found", event }) },
    sendRequest: async (request) => {
      requests.push(request);
      const sent = outcomes.shift();
      if (sent === undefined) throw new Error("more requests than the test knows of");
      return sent.kind === "exchanged" && (await request.mayLeave()) !== "yes" ? { kind: "reconsider" } : sent;
    },
    log: {
      append: async (_partition, events) => {
        appended.push(events);
        logged.push(...events);
      },
    },
    events: silent,
    chance: { nowMs: () => NOW_MS, roll: () => 0.5 },
    ...changes,
  });
  return {
    dispatch: (taken: Message, its: WorkItem = item) => {
      const pass = gates.enter(its.webhookId);
      return dispatch.run({ message: taken, item: its }, pass).finally(() => pass.leave());
    },
    park: dispatch.park,
    gates,
    requests,
    logged,
    appended,
  };
}
