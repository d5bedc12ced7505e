/** Log messages in few words, and a projection in memory to hold the fold against. For tests only. */

import {
  type AttemptFailed,
  type AttemptRecord,
  type AttemptSucceeded,
  type DeliveryEvent,
  type DeliveryId,
  deliveryIdOf,
  type EventFacts,
  type EventId,
  type LogEvent,
  parseEventId,
  parseOrgId,
  parseWebhookId,
  partitionOf,
  type WebhookHealth,
  type WebhookId,
} from "@posthorn/domain";
import type { DeliveryRecord } from "./delivery-record.ts";
import { type AttemptRow, type EventRow, foldBatch, type LogMessage } from "./fold-batch.ts";
import type { RetryDue } from "./retry-due.ts";

export const EPOCH_MS = Date.parse("2026-03-01T00:00:00Z");
export const ACCEPTED_AT_MS = Date.parse("2026-03-24T13:37:00Z");

export const ORG = parsed(parseOrgId("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
export const PARTITION = partitionOf(ORG);
const WEBHOOK = parsed(parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad90"));

/** The events of one delivery; `number` tells it from others, which may share its webhook. */
export function deliveryEvents(number = 1, webhookId: WebhookId = WEBHOOK) {
  const eventId = parsed(parseEventId(`01890a5d-ac96-774b-bcce-${String(number).padStart(12, "0")}`));
  const deliveryId = deliveryIdOf(eventId, webhookId);
  const facts: EventFacts = {
    type: "agent.status",
    timestamp: number % 2 === 0 ? undefined : "2026-03-24T13:36:59+01:00",
    acceptedAtMs: ACCEPTED_AT_MS + number,
    callerId: number % 2 === 0 ? undefined : `caller-${number}`,
    place: { epochMs: EPOCH_MS, sequence: number, index: number % 3 },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  };
  const at = (atMs: number) => ({ orgId: ORG, eventId, deliveryId, webhookId, atMs });
  return {
    deliveryId,
    eventId,
    webhookId,
    facts,
    created: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 5),
      kind: "delivery.created",
      event: facts,
      profile: "standard",
    }),
    skipped: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 5),
      kind: "delivery.skipped",
      event: facts,
      profile: "standard",
      reason: "webhook_inactive",
    }),
    deferred: (attempt: number, release: number): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 10),
      kind: "delivery.deferred",
      reason: "webhook_inactive",
      notBeforeMs: ACCEPTED_AT_MS + release * 60_000,
      attempt,
      release,
    }),
    succeeded: (attempt: number, changes: Partial<AttemptRecord> = {}): AttemptSucceeded => ({
      ...at(ACCEPTED_AT_MS + attempt * 1_000 + 20),
      kind: "attempt.succeeded",
      attempt: attemptRecord(attempt, { statusCode: 200, ...changes }),
    }),
    failed: (attempt: number, nextAtMs: number | undefined, changes: Partial<AttemptRecord> = {}): AttemptFailed => ({
      ...at(ACCEPTED_AT_MS + attempt * 1_000 + 20),
      kind: "attempt.failed",
      attempt: attemptRecord(attempt, changes),
      errorClass: "status",
      errorMessage: "receiver answered 500",
      nextAtMs,
    }),
    exhausted: (attempt: number): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 30_000),
      kind: "delivery.exhausted",
      attempt,
      reason: "attempts_exhausted",
    }),
    cancelled: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 40_000),
      kind: "delivery.cancelled",
      reason: "webhook_deleted",
    }),
    unmatched: (): LogEvent => ({
      orgId: ORG,
      eventId,
      atMs: ACCEPTED_AT_MS + 5,
      kind: "event.unmatched",
      event: facts,
    }),
  };
}

function attemptRecord(number: number, changes: Partial<AttemptRecord>): AttemptRecord {
  return {
    number,
    startedAtMs: ACCEPTED_AT_MS + number * 1_000,
    durationMs: 20,
    statusCode: 500,
    url: "https://example.com/hook",
    requestHeaders: [["content-type", "application/json"]],
    responseHeaders: [["server", "test"]],
    responseBody: Buffer.from("no"),
    responseTruncated: false,
    dispatcher: "dispatcher-1",
    possibleRepeat: false,
    ...changes,
  };
}

/** Messages with these events, at consecutive sequences of one epoch. */
export function logOf(...messages: readonly (readonly LogEvent[])[]): readonly LogMessage[] {
  return messages.map((events, index) => ({ position: { epochMs: EPOCH_MS, sequence: index + 1 }, events }));
}

/** The tables, as far as the fold goes. */
export class MemoryProjection {
  readonly deliveries = new Map<DeliveryId, DeliveryRecord>();
  readonly attempts = new Map<string, AttemptRow>();
  readonly events = new Map<EventId, EventRow>();
  readonly retryDue = new Map<DeliveryId, RetryDue>();
  readonly health = new Map<WebhookId, WebhookHealth>();
  repeats = 0;

  /** Folds the messages as one batch; returns what was to be written. */
  project(messages: readonly LogMessage[]) {
    const changes = foldBatch(messages, { deliveries: new Map(this.deliveries), health: new Map(this.health) });
    for (const record of changes.deliveries) this.deliveries.set(record.deliveryId, record);
    for (const row of changes.attempts) {
      const key = `${row.deliveryId}:${row.number}`;
      if (!this.attempts.has(key)) this.attempts.set(key, row);
    }
    for (const row of changes.events) if (!this.events.has(row.eventId)) this.events.set(row.eventId, row);
    for (const row of changes.retryDue) this.retryDue.set(row.deliveryId, row);
    for (const id of changes.retryDueDeleted) this.retryDue.delete(id);
    for (const row of changes.health) this.health.set(row.webhookId, row.health);
    this.repeats += changes.repeats;
    return changes;
  }

  /** Everything in it, comparable whatever the order of writing was. */
  rows() {
    const sorted = <Key extends string, Row>(rows: ReadonlyMap<Key, Row>) =>
      [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      deliveries: sorted(this.deliveries),
      attempts: sorted(this.attempts),
      events: sorted(this.events),
      retryDue: sorted(this.retryDue),
      health: sorted(this.health),
      repeats: this.repeats,
    };
  }
}

function parsed<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not a UUID");
  return id;
}
