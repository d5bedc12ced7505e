/**
 * History as the projector would have written it, made from log events: archive rows and projections of deliveries
 * whose payloads are in INGEST. For tests only.
 */

import { randomBytes } from "node:crypto";
import { encodeEventGroup, encodeLogEvents } from "@posthorn/contracts";
import type { DeliveriesTable } from "@posthorn/database";
import {
  type AcceptedEvent,
  type AttemptRecord,
  deliveryIdOf,
  type LogEvent,
  type PayloadPlace,
  parseEventId,
  parseOrgId,
  parseWebhookId,
  partitionOf,
  uuidv7,
} from "@posthorn/domain";
import { streamPosition, subjectOf } from "@posthorn/message-bus";
import type { Insertable } from "kysely";
import type { TestBackend } from "./api.fixture.ts";

export type StoredEvent = { readonly event: AcceptedEvent; readonly place: PayloadPlace };

export function parsed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("a test has a malformed id");
  return value;
}

/** Publishes events as one group, and notes them in the projection. */
export async function storeEvents(
  { connection, publisher, database }: TestBackend,
  org: string,
  events: readonly (Partial<AcceptedEvent> & { readonly data: Uint8Array })[],
): Promise<readonly StoredEvent[]> {
  const orgId = parsed(parseOrgId(org));
  const accepted = events.map((event): AcceptedEvent => {
    const acceptedAtMs = event.acceptedAtMs ?? Date.now();
    return {
      id: parsed(parseEventId(uuidv7(acceptedAtMs, randomBytes(10)))),
      orgId,
      type: "agent.status",
      timestamp: undefined,
      acceptedAtMs,
      traceparent: "",
      callerId: undefined,
      forWebhook: undefined,
      hops: 0,
      ...event,
    };
  });
  const message = {
    subject: subjectOf("INGEST", partitionOf(orgId)),
    payload: encodeEventGroup(accepted),
    id: undefined,
  };
  const { sequence } = await publisher.publishUntilStored(message);
  const { epochMs } = await streamPosition(connection, "INGEST");
  const stored = accepted.map((event, index) => ({ event, place: { epochMs, sequence, index } }));
  await database.db
    .insertInto("events")
    .values(
      stored.map(({ event, place }) => ({
        id: event.id,
        org_id: event.orgId,
        type: event.type,
        timestamp: event.timestamp ?? null,
        accepted_at: new Date(event.acceptedAtMs),
        caller_id: event.callerId ?? null,
        place_epoch_ms: place.epochMs,
        place_sequence: place.sequence,
        place_index: place.index,
        traceparent: event.traceparent,
      })),
    )
    .execute();
  return stored;
}

/** One event in a group of its own. */
export async function storeEvent(
  backend: TestBackend,
  org: string,
  event: Partial<AcceptedEvent> = {},
): Promise<StoredEvent> {
  const [stored] = await storeEvents(backend, org, [{ data: Buffer.from('{"a":1}'), ...event }]);
  if (stored === undefined) throw new Error("no event was stored");
  return stored;
}

/** A delivery of the event to the webhook, without attempts and in the archive with nothing. */
export function deliveryRow(
  { event, place }: StoredEvent,
  webhook: string,
  changes: Partial<Insertable<DeliveriesTable>> = {},
): Insertable<DeliveriesTable> {
  return {
    id: deliveryIdOf(event.id, parsed(parseWebhookId(webhook))),
    partition: partitionOf(event.orgId),
    org_id: event.orgId,
    event_id: event.id,
    webhook_id: webhook,
    event_type: event.type,
    profile: "standard",
    place_epoch_ms: place.epochMs,
    place_sequence: place.sequence,
    place_index: place.index,
    traceparent: event.traceparent,
    accepted_at: new Date(event.acceptedAtMs),
    created_at: new Date(event.acceptedAtMs),
    completed_at: null,
    status: "pending",
    reason: null,
    next_attempt_at: null,
    attempt_count: 0,
    release: 0,
    repeated_attempts: 0,
    last_started_at: null,
    last_dispatcher: null,
    last_status_code: null,
    last_error_class: null,
    error_message: null,
    test: false,
    replay_of: null,
    replay_id: null,
    event_type_prefix: "",
    is_only: false,
    log_epochs: [],
    log_sequences: [],
    ...changes,
  };
}

const LOG_EPOCH_MS = 1_700_000_000_123;
let lastSequence = 0;

/** One archive row that holds these events; returns where it stands. */
export async function archiveEvents({ database }: TestBackend, org: string, events: readonly LogEvent[]) {
  lastSequence += 1;
  const partition = partitionOf(parsed(parseOrgId(org)));
  const bytes = Buffer.from(encodeLogEvents(events));
  const row = { partition, epoch_ms: LOG_EPOCH_MS, sequence: lastSequence, stored_at: new Date(), bytes };
  await database.db.insertInto("delivery_log").values(row).execute();
  return { epochMs: LOG_EPOCH_MS, sequence: lastSequence };
}

export function attemptRecord(number: number, changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    number,
    startedAtMs: 1_774_359_420_000 + number,
    durationMs: 12,
    statusCode: 500,
    url: "http://127.0.0.1:9/hook?token=***",
    requestHeaders: [["Content-Type", "application/json"]],
    responseHeaders: [["X-Answer", `${number}`]],
    responseBody: Buffer.from(`answer ${number}`),
    responseTruncated: false,
    dispatcher: "dispatcher-1",
    possibleRepeat: false,
    test: false,
    ...changes,
  };
}
