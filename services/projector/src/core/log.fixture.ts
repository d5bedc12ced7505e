/** Log messages in few words, and a projection in memory to hold the fold against. For tests only. */

import {
  type AttemptFailed,
  type AttemptRecord,
  type AttemptSucceeded,
  type DeliveryEvent,
  type DeliveryId,
  type DeliveryOrder,
  deliveryIdOf,
  type EventFacts,
  type EventId,
  type LogEvent,
  type LogFact,
  parseEventId,
  parseOrgId,
  parseReplayId,
  parseWebhookId,
  partitionOf,
  type ReplayId,
  type WebhookHealth,
  type WebhookId,
} from "@posthorn/domain";
import type { DeliveryRecord } from "./delivery-record.ts";
import { type AuditRow, type DisablingRow, type EventRow, foldBatch, type LogMessage } from "./fold-batch.ts";
import type { ReplayRecord } from "./replay-record.ts";
import type { RetryDue } from "./retry-due.ts";

export const EPOCH_MS = Date.parse("2026-03-01T00:00:00Z");
export const ACCEPTED_AT_MS = Date.parse("2026-03-24T13:37:00Z");

export const ORG = parsed(parseOrgId("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
export const PARTITION = partitionOf(ORG);
const WEBHOOK = parsed(parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad90"));

export const REPLAY = parsed(parseReplayId("0190163d-8694-739b-aea5-966c26f8ad99"));

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
  const order: DeliveryOrder = { event: facts, profile: "standard", eventTypePrefix: "", origin: { kind: "match" } };
  const at = (atMs: number) => ({ orgId: ORG, eventId, deliveryId, webhookId, atMs });
  return {
    deliveryId,
    eventId,
    webhookId,
    facts,
    created: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 5),
      kind: "delivery.created",
      ...order,
      hold: undefined,
    }),
    bornParked: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 5),
      kind: "delivery.created",
      ...order,
      hold: "ordered",
    }),
    retried: (attempt: number, release: number): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 50_000),
      kind: "delivery.retried",
      by: "root",
      attempt,
      release,
      isOnly: true,
    }),
    skipped: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 5),
      kind: "delivery.skipped",
      ...order,
      reason: "webhook_inactive",
    }),
    deferred: (attempt: number, release: number): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 10),
      kind: "delivery.deferred",
      reason: "webhook_inactive",
      notBeforeMs: ACCEPTED_AT_MS + release * 60_000,
      attempt,
      release,
      mayHaveBeenSent: release % 2 === 0,
    }),
    succeeded: (attempt: number, changes: Partial<AttemptRecord> = {}): AttemptSucceeded => ({
      ...at(ACCEPTED_AT_MS + attempt * 1_000 + 20),
      kind: "attempt.succeeded",
      attempt: attemptRecord(attempt, { statusCode: 200, ...changes }),
      release: 0,
    }),
    failed: (attempt: number, nextAtMs: number | undefined, changes: Partial<AttemptRecord> = {}): AttemptFailed => ({
      ...at(ACCEPTED_AT_MS + attempt * 1_000 + 20),
      kind: "attempt.failed",
      attempt: attemptRecord(attempt, changes),
      errorClass: "status",
      errorMessage: "receiver answered 500",
      nextAtMs,
      release: 0,
    }),
    exhausted: (attempt: number): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 30_000),
      kind: "delivery.exhausted",
      attempt,
      reason: "attempts_exhausted",
      release: 0,
    }),
    cancelled: (): DeliveryEvent => ({
      ...at(ACCEPTED_AT_MS + 40_000),
      kind: "delivery.cancelled",
      reason: "webhook_deleted",
      release: 0,
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

/** What happens to no delivery. */
export const organisationEvents = {
  circuit: (kind: "circuit.opened" | "circuit.closed", generation: number): LogEvent => ({
    ...ofOrganisation(generation),
    kind,
    webhookId: WEBHOOK,
    generation,
  }),
  replayStarted: (): LogEvent => ({
    ...ofOrganisation(1),
    kind: "replay.started",
    replayId: REPLAY,
    webhookId: WEBHOOK,
    sinceMs: ACCEPTED_AT_MS - 1_000,
    untilMs: ACCEPTED_AT_MS,
    statuses: ["exhausted", "skipped"],
    types: ["agent.*", 'odd "quoted" \\ {,}'],
    by: "root",
  }),
  replayProgressed: (done: number): LogEvent => ({
    ...ofOrganisation(1 + done),
    kind: "replay.progressed",
    replayId: REPLAY,
    progress: { total: 9, done, skipped: 1, cursor: `after ${done}` },
  }),
  replayFinished: (): LogEvent => ({
    ...ofOrganisation(20),
    kind: "replay.finished",
    replayId: REPLAY,
    progress: { total: 9, done: 8, skipped: 1, cursor: "" },
  }),
  disabled: (configVersion: number): LogEvent => ({
    ...ofOrganisation(configVersion),
    kind: "webhook.disabled",
    webhookId: WEBHOOK,
    reason: "gone",
    configVersion,
  }),
  changed: (changeId: string): LogEvent => ({
    ...ofOrganisation(7),
    kind: "configuration.changed",
    changeId,
    actor: "root",
    action: "updateWebhook",
    subjectKind: "webhook",
    subjectId: WEBHOOK,
    fields: ["url", "secret"],
    requestId: "request-1",
  }),
};

function ofOrganisation(seconds: number) {
  return { orgId: ORG, atMs: ACCEPTED_AT_MS + seconds * 1_000 };
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
    test: false,
    ...changes,
  };
}

/** Messages with these events, at consecutive sequences of one epoch. */
export function logOf(...messages: readonly (readonly LogFact[])[]): readonly LogMessage[] {
  return messages.map((events, index) => ({ position: { epochMs: EPOCH_MS, sequence: index + 1 }, events }));
}

/** The tables, as far as the fold goes. */
export class MemoryProjection {
  readonly deliveries = new Map<DeliveryId, DeliveryRecord>();
  readonly events = new Map<EventId, EventRow>();
  readonly retryDue = new Map<DeliveryId, RetryDue>();
  readonly health = new Map<WebhookId, WebhookHealth>();
  readonly replays = new Map<ReplayId, ReplayRecord>();
  readonly disablings = new Map<string, DisablingRow>();
  readonly audit = new Map<string, AuditRow>();
  repeats = 0;

  /** Folds the messages as one batch; returns what was to be written. */
  project(messages: readonly LogMessage[]) {
    const changes = foldBatch(messages, {
      deliveries: new Map(this.deliveries),
      health: new Map(this.health),
      replays: new Map(this.replays),
    });
    for (const record of changes.deliveries) this.deliveries.set(record.deliveryId, record);
    for (const row of changes.events) if (!this.events.has(row.eventId)) this.events.set(row.eventId, row);
    for (const row of changes.retryDue) this.retryDue.set(row.deliveryId, row);
    for (const id of changes.retryDueDeleted) this.retryDue.delete(id);
    for (const row of changes.health) this.health.set(row.webhookId, row.health);
    for (const row of changes.replays) this.replays.set(row.replayId, row);
    for (const row of changes.disablings) {
      const key = `${row.webhookId}:${row.configVersion}`;
      if (!this.disablings.has(key)) this.disablings.set(key, row);
    }
    for (const row of changes.audit) this.audit.set(row.changeId, row);
    this.repeats += changes.repeats;
    return changes;
  }

  /** Everything in it, comparable whatever the order of writing was. */
  rows() {
    const sorted = <Key extends string, Row>(rows: ReadonlyMap<Key, Row>) =>
      [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      deliveries: sorted(this.deliveries),
      events: sorted(this.events),
      retryDue: sorted(this.retryDue),
      health: sorted(this.health),
      replays: sorted(this.replays),
      disablings: sorted(this.disablings),
      audit: sorted(this.audit),
      repeats: this.repeats,
    };
  }
}

function parsed<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not a UUID");
  return id;
}
