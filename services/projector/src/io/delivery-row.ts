/** A delivery between its record and its row, both ways. */

import type { Row } from "@posthorn/database";
import {
  type DeliveryOrigin,
  type DeliveryState,
  type LastAttempt,
  type Progress,
  parseDeliveryId,
  parseErrorClass,
  parseEventId,
  parseOrgId,
  parseProfileName,
  parseReplayId,
  parseWebhookId,
  partitionOf,
  restoredState,
} from "@posthorn/domain";
import type { Creation, DeliveryRecord } from "../core/delivery-record.ts";
import { bool, type Column, int2, int4, int8, int8List, text, timestamp, uuid } from "./bulk-insert.ts";

export type DeliveryRow = Row<"deliveries">;

export const DELIVERY_ID: Column<DeliveryRecord> = uuid("id", (record) => record.deliveryId);

/** What stays as it was when the row was first written. */
const IDENTITY_COLUMNS: readonly Column<DeliveryRecord>[] = [
  DELIVERY_ID,
  uuid("org_id", (record) => record.orgId),
  uuid("event_id", (record) => record.eventId),
  uuid("webhook_id", (record) => record.webhookId),
  int2("partition", (record) => partitionOf(record.orgId)),
];

/** What stays as it was once the creation has been seen. */
const CREATION_COLUMNS: readonly Column<DeliveryRecord>[] = [
  timestamp("created_at", (record) => record.createdAtMs),
  timestamp("accepted_at", ({ creation }) => creation?.acceptedAtMs),
  text("event_type", ({ creation }) => creation?.eventType),
  text("profile", ({ creation }) => creation?.profile),
  text("event_type_prefix", ({ creation }) => creation?.eventTypePrefix),
  bool("test", ({ creation }) => creation?.origin.kind === "test"),
  uuid("replay_id", ({ creation }) => (creation?.origin.kind === "replay" ? creation.origin.replayId : undefined)),
  uuid("replay_of", ({ creation }) => (creation?.origin.kind === "replay" ? creation.origin.replayOf : undefined)),
  int8("place_epoch_ms", ({ creation }) => creation?.place.epochMs),
  int8("place_sequence", ({ creation }) => creation?.place.sequence),
  int4("place_index", ({ creation }) => creation?.place.index),
  text("traceparent", ({ creation }) => creation?.traceparent),
];

/** What every event may change. */
export const STATE_COLUMNS: readonly Column<DeliveryRecord>[] = [
  bool("is_only", ({ state }) => "isOnly" in state && state.isOnly),
  text("status", ({ state }) => state.kind),
  text("reason", ({ state }) => ("reason" in state ? state.reason : undefined)),
  timestamp("next_attempt_at", ({ state }) => nextAttemptAtMs(state)),
  timestamp("completed_at", ({ state }) => ("completedAtMs" in state ? state.completedAtMs : undefined)),
  int4("attempt_count", ({ state }) => state.progress.attemptCount),
  int4("release", ({ state }) => state.progress.release),
  int4("repeated_attempts", ({ state }) => state.progress.repeatedAttempts),
  timestamp("last_started_at", ({ state }) => state.progress.lastAttempt?.startedAtMs),
  text("last_dispatcher", ({ state }) => state.progress.lastAttempt?.dispatcher),
  int4("last_status_code", ({ state }) => state.progress.lastAttempt?.statusCode),
  text("last_error_class", ({ state }) => state.progress.lastAttempt?.failure?.errorClass),
  text("error_message", ({ state }) => state.progress.lastAttempt?.failure?.message),
  int8List("log_epochs", (record) => record.log.map((position) => position.epochMs)),
  int8List("log_sequences", (record) => record.log.map((position) => position.sequence)),
];

export const CHANGING_DELIVERY_COLUMNS: readonly Column<DeliveryRecord>[] = [...CREATION_COLUMNS, ...STATE_COLUMNS];
export const DELIVERY_COLUMNS: readonly Column<DeliveryRecord>[] = [...IDENTITY_COLUMNS, ...CHANGING_DELIVERY_COLUMNS];

function nextAttemptAtMs(state: DeliveryState): number | undefined {
  if (state.kind === "scheduled") return state.nextAtMs;
  return state.kind === "parked" ? state.notBeforeMs : undefined;
}

/** Throws when the row holds what the projector never writes: somebody else has written there. */
export function deliveryFromRow(row: DeliveryRow): DeliveryRecord {
  return {
    deliveryId: known(parseDeliveryId(row.id), row, "id"),
    orgId: known(parseOrgId(row.org_id), row, "org_id"),
    eventId: known(parseEventId(row.event_id), row, "event_id"),
    webhookId: known(parseWebhookId(row.webhook_id), row, "webhook_id"),
    creation: creationFromRow(row),
    createdAtMs: row.created_at.getTime(),
    state: stateFromRow(row),
    log: row.log_epochs.map((epochMs, index) => ({
      epochMs,
      sequence: known(row.log_sequences[index], row, "log_sequences"),
    })),
  };
}

function creationFromRow(row: DeliveryRow): Creation | undefined {
  if (row.event_type === null) return undefined;
  return {
    eventType: row.event_type,
    profile: known(parseProfileName(row.profile ?? ""), row, "profile"),
    eventTypePrefix: row.event_type_prefix ?? "",
    origin: originFromRow(row),
    acceptedAtMs: known(row.accepted_at, row, "accepted_at").getTime(),
    place: {
      epochMs: known(row.place_epoch_ms, row, "place_epoch_ms"),
      sequence: known(row.place_sequence, row, "place_sequence"),
      index: known(row.place_index, row, "place_index"),
    },
    traceparent: known(row.traceparent, row, "traceparent"),
  };
}

function originFromRow(row: DeliveryRow): DeliveryOrigin {
  if (row.test) return { kind: "test" };
  if (row.replay_id === null) return { kind: "match" };
  return {
    kind: "replay",
    replayId: known(parseReplayId(row.replay_id), row, "replay_id"),
    replayOf: known(parseDeliveryId(row.replay_of ?? ""), row, "replay_of"),
  };
}

function stateFromRow(row: DeliveryRow): DeliveryState {
  const kept = {
    status: row.status,
    reason: row.reason ?? undefined,
    nextAtMs: row.next_attempt_at?.getTime(),
    completedAtMs: row.completed_at?.getTime(),
    isOnly: row.is_only,
  };
  return known(restoredState(kept, progressFromRow(row)), row, "status");
}

function progressFromRow(row: DeliveryRow): Progress {
  return {
    attemptCount: row.attempt_count,
    release: row.release,
    repeatedAttempts: row.repeated_attempts,
    lastAttempt: lastAttemptFromRow(row),
  };
}

function lastAttemptFromRow(row: DeliveryRow): LastAttempt | undefined {
  if (row.last_started_at === null) return undefined;
  return {
    startedAtMs: row.last_started_at.getTime(),
    dispatcher: known(row.last_dispatcher, row, "last_dispatcher"),
    statusCode: row.last_status_code ?? undefined,
    failure:
      row.last_error_class === null
        ? undefined
        : {
            errorClass: known(parseErrorClass(row.last_error_class), row, "last_error_class"),
            message: known(row.error_message, row, "error_message"),
          },
  };
}

function known<Value>(value: Value | null | undefined, row: DeliveryRow, column: keyof DeliveryRow): Value {
  if (value !== null && value !== undefined) return value;
  throw new Error(`deliveries.${column} of ${row.id} holds what no event could have put there`);
}
