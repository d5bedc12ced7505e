/**
 * The tables as Kysely sees them. Times are `timestamptz(3)` and arrive as `Date`, columns that end in `_ms` are Unix
 * milliseconds, `bigint` arrives as a number, `uuid` as lower-case text, `bytea` as a Buffer.
 */

import type { ColumnType, Generated, GeneratedAlways, Selectable } from "kysely";

/** Written by api only. `version` grows with every change of the row; the data plane never goes back to an older. */
export interface OrganisationsTable {
  readonly id: string;
  name: string;
  readonly created_at: Date;
  version: number;
}

export interface ApiKeysTable {
  readonly id: string;
  readonly org_id: string;
  name: string;
  /** A `Scope` of the domain. */
  readonly scope: string;
  /** SHA-256 of the key. */
  readonly hash: Buffer;
  readonly created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
  version: number;
}

export interface WebhooksTable {
  readonly id: string;
  readonly org_id: string;
  url: string;
  patterns: string[];
  description: string | null;
  /** A `ProfileName` of the domain. */
  profile: string;
  /** Null: the profile's. */
  timeout_ms: number | null;
  /** Null: the profile's, with jitter. Empty: one attempt. */
  retry_delays_s: number[] | null;
  is_active: boolean;
  /** Ciphertexts, newest first. */
  sealed_secrets: Buffer[];
  readonly created_at: Date;
  updated_at: Date;
  /** Set: it exists for history only. */
  deleted_at: Date | null;
  version: number;
}

/** What the KV copy has yet to learn; written with the row it is about, in one transaction. */
export interface ConfigOutboxTable {
  readonly id: GeneratedAlways<number>;
  /** A `kind` of the domain's `ConfigEntry`. */
  readonly kind: string;
  readonly org_id: string;
  readonly entity_id: string;
  readonly version: number;
  readonly created_at: Date;
}

/**
 * The archive: one row per LOG message. `epoch_ms` and `sequence` order a partition's messages for ever: an epoch is
 * the creation time of the LOG stream, or a later number when a stream was found to have changed its past.
 */
export interface DeliveryLogTable {
  readonly partition: number;
  readonly epoch_ms: number;
  readonly sequence: number;
  /** When LOG stored the message; the table is partitioned by its UTC day, a condition on it saves index look-ups. */
  readonly stored_at: Date;
  /** A batch of delivery events, as published. */
  readonly bytes: Buffer;
}

/** One row per delivery. What its `created` says is null as long as only other events of it have been seen. */
export interface DeliveriesTable {
  readonly id: string;
  readonly partition: number;
  readonly org_id: string;
  readonly event_id: string;
  readonly webhook_id: string;
  event_type: string | null;
  profile: string | null;
  place_epoch_ms: number | null;
  place_sequence: number | null;
  place_index: number | null;
  traceparent: string | null;
  accepted_at: Date | null;
  /** Of the `created` or `skipped` event; until that is seen, of the first event that was. */
  created_at: Date;
  completed_at: Date | null;
  /** A `DeliveryStatus` of the domain. */
  status: string;
  /** Why it is parked, exhausted, cancelled or skipped. */
  reason: string | null;
  /** `scheduled`: when the retry is due; `parked`: its release at the latest. Null in every other status. */
  next_attempt_at: Date | null;
  /** The highest attempt with an outcome. */
  attempt_count: number;
  /** How often it has been deferred. */
  release: number;
  /** Attempts that were made more than once. */
  repeated_attempts: number;
  /** These four are of the last attempt whose outcome counted. */
  last_started_at: Date | null;
  last_dispatcher: string | null;
  last_status_code: number | null;
  /** An `ErrorClass` of the domain. */
  last_error_class: string | null;
  error_message: string | null;
  readonly test: Generated<boolean>;
  readonly replay_of: string | null;
  /** Epoch and sequence of the archive rows whose events made this row what it is, in log order. */
  log_epochs: number[];
  log_sequences: number[];
}

/** One row per attempt with an outcome; the first outcome stays. The archive row holds request and response. */
export interface AttemptsTable {
  readonly delivery_id: string;
  readonly number: number;
  readonly started_at: Date;
  readonly duration_ms: number;
  readonly outcome: "succeeded" | "failed";
  readonly status_code: number | null;
  /** An `ErrorClass` of the domain. */
  readonly error_class: string | null;
  readonly log_epoch_ms: number;
  readonly log_sequence: number;
}

/** One row per event that matched, was skipped or matched nothing; its data is in INGEST, at the place. */
export interface EventsTable {
  readonly id: string;
  readonly org_id: string;
  readonly type: string;
  /** As the publisher wrote it; null when it gave none. */
  readonly timestamp: string | null;
  readonly accepted_at: Date;
  readonly caller_id: string | null;
  readonly place_epoch_ms: number;
  readonly place_sequence: number;
  readonly place_index: number;
  readonly traceparent: string;
}

/** Deliveries that wait for their time, with all that a work item needs. */
export interface RetryDueTable {
  readonly delivery_id: string;
  readonly partition: number;
  readonly due_at: Date;
  readonly kind: "retry" | "parked";
  /** The attempt to make. */
  readonly attempt: number;
  readonly release: number;
  readonly org_id: string;
  readonly event_id: string;
  readonly webhook_id: string;
  readonly event_type: string;
  readonly accepted_at: Date;
  readonly profile: string;
  readonly place_epoch_ms: number;
  readonly place_sequence: number;
  readonly place_index: number;
  readonly traceparent: string;
  /** The scheduler's own mark, not part of the projection: somebody publishes this row until then. */
  claimed_until: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** How a webhook's receiver has been doing. */
export interface WebhookHealthTable {
  readonly webhook_id: string;
  readonly org_id: string;
  last_attempt_at: Date;
  last_status_code: number | null;
  last_error_class: string | null;
  consecutive_failures: number;
}

/** How far a partition of LOG has been projected; moved by compare-and-set, with the rows it stands for. */
export interface ProjectorCheckpointTable {
  readonly partition: number;
  /** The creation time of the stream that was read. */
  stream_epoch_ms: number;
  /** The epoch under which its messages are archived; see `DeliveryLogTable`. */
  epoch_ms: number;
  /** Of the last message projected; 0 before the first of an epoch. */
  sequence: number;
  /** Of that message's bytes, in hex: tells whether the stream still holds what was read. Null before the first. */
  message_fingerprint: string | null;
}

export interface Database {
  organisations: OrganisationsTable;
  api_keys: ApiKeysTable;
  webhooks: WebhooksTable;
  config_outbox: ConfigOutboxTable;
  delivery_log: DeliveryLogTable;
  deliveries: DeliveriesTable;
  attempts: AttemptsTable;
  events: EventsTable;
  retry_due: RetryDueTable;
  webhook_health: WebhookHealthTable;
  projector_checkpoint: ProjectorCheckpointTable;
}

/** A table's row as a query returns it. */
export type Row<Table extends keyof Database> = Selectable<Database[Table]>;
