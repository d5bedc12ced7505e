/**
 * The tables as Kysely sees them. Times are `timestamptz(3)` and arrive as `Date`, columns that end in `_ms` are Unix
 * milliseconds, `bigint` arrives as a number, `uuid` as lower-case text, `bytea` as a Buffer.
 */

import type { ColumnType, Generated, GeneratedAlways, Selectable } from "kysely";

/** Written by api only. `version` grows with every change of the row; the data plane never goes back to an older. */
export interface OrganisationsTable {
  readonly id: string;
  name: string;
  strict_event_types: Generated<boolean>;
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
  /** Until when each of `sealed_secrets` signs; null: it is the current one. */
  secret_expiries: Generated<(Date | null)[]>;
  legacy_signs_with: Generated<"old" | "new">;
  /** False: the receiver knows no secret. */
  has_secret: Generated<boolean>;
  /** The secret may be asked for again. */
  readonly secret_readable: Generated<boolean>;
  readonly signing: Generated<"hmac" | "ed25519">;
  /** `whpk_...` when signing is ed25519. */
  public_key: string | null;
  filter: string | null;
  event_type_prefix: Generated<string>;
  sealed_token: Buffer | null;
  /** The ciphertext of the custom headers; their names alone stand in `header_names`. */
  sealed_headers: Buffer | null;
  header_names: Generated<string[]>;
  rate_limit: number | null;
  ordered: Generated<boolean>;
  /** Set when the engine took it out of service. */
  disabled_reason: string | null;
  /** The id that a caller chose; unique among those of the organisation that are not deleted. */
  readonly external_id: string | null;
  readonly created_at: Date;
  updated_at: Date;
  /** Set: it exists for history only. */
  deleted_at: Date | null;
  version: number;
}

/** The catalogue of event types. */
export interface EventTypesTable {
  readonly id: string;
  readonly org_id: string;
  readonly name: string;
  description: string | null;
  /** JSON Schema, as text. */
  schema: string | null;
  readonly created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
  version: number;
}

/** Events whose data is neither shown nor sent any more. Deleted itself when INGEST has forgotten the event. */
export interface PayloadDeletionsTable {
  readonly event_id: string;
  readonly org_id: string;
  readonly created_at: Date;
  deleted_at: Date | null;
  version: number;
}

/** Log events that LOG has yet to get; written with the change that they are about, in one transaction. */
export interface LogOutboxTable {
  readonly id: GeneratedAlways<number>;
  readonly org_id: string;
  /** Names the happening: LOG's message id. */
  readonly log_id: string;
  /** A batch of delivery events. */
  readonly bytes: Buffer;
  readonly created_at: Date;
}

/** Answers to requests that came with an Idempotency-Key, for as long as it may be repeated. */
export interface IdempotencyKeysTable {
  readonly org_id: string;
  readonly operation: string;
  readonly idempotency_key: string;
  readonly fingerprint: Buffer;
  state: "running" | "done";
  status: number | null;
  /** The answer without its secret. */
  body: string | null;
  readonly created_at: Date;
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
  test: Generated<boolean>;
  /** The delivery that a replay made again, and the replay. */
  replay_of: string | null;
  replay_id: string | null;
  event_type_prefix: string | null;
  /** `scheduled`: nothing follows from the attempt that is due. */
  is_only: Generated<boolean>;
  /**
   * Epoch and sequence of the archive rows whose events made this row what it is, in log order. They tell of its attempts
   * and of what was exchanged, which stands nowhere else.
   */
  log_epochs: number[];
  log_sequences: number[];
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
  /** Why it is parked. */
  readonly reason: string | null;
  /** What the receiver sees as `webhook-id`. */
  readonly message_id: string;
  readonly event_type_prefix: string;
  /** Nothing follows from this attempt. */
  readonly is_only: boolean;
  /** Whoever had it in hand before it was parked may have sent it and died. */
  readonly may_have_been_sent: Generated<boolean>;
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
  /** Null: only its circuit is known so far. */
  last_attempt_at: Date | null;
  last_status_code: number | null;
  last_error_class: string | null;
  consecutive_failures: number;
  failing_since: Date | null;
  congested_count: Generated<number>;
  circuit: Generated<"closed" | "open">;
  circuit_generation: Generated<number>;
  circuit_changed_at: Date | null;
}

/** Replays as far as the log tells; see `ReplayStarted` and `ReplayProgress` of the domain. */
export interface ReplaysTable {
  readonly id: string;
  readonly org_id: string;
  readonly partition: number;
  readonly webhook_id: string;
  readonly since: Date;
  readonly until: Date;
  readonly statuses: string[];
  readonly types: string[];
  readonly started_by: string;
  state: "running" | "finished";
  /** Null until it has been counted. */
  total: number | null;
  done: number;
  skipped: number;
  cursor: string;
  readonly created_at: Date;
  finished_at: Date | null;
}

/** Replays that api has promised; a row is of no use once the replay stands in `replays`. */
export interface ReplayRequestsTable {
  readonly id: string;
  readonly org_id: string;
  readonly webhook_id: string;
  readonly since: Date;
  readonly until: Date;
  readonly statuses: string[];
  readonly types: string[];
  readonly started_by: string;
  readonly created_at: Date;
}

/** Webhooks that the engine wants out of service. api applies what is about the current version. */
export interface WebhookDisablingsTable {
  readonly webhook_id: string;
  readonly org_id: string;
  readonly reason: string;
  readonly config_version: number;
  readonly disabled_at: Date;
}

/** Who changed what: the names of the fields, never their values. */
export interface AuditTable {
  readonly id: string;
  readonly org_id: string;
  readonly changed_at: Date;
  /** The id of a key, or `root`. */
  readonly actor: string;
  readonly action: string;
  readonly subject_kind: string;
  readonly subject_id: string;
  readonly fields: string[];
  readonly request_id: string;
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

/** How far retention has come. One row, moved by the functions of the database only, and never back. */
export interface RetentionProgressTable {
  readonly is_only: GeneratedAlways<boolean>;
  /** What was accepted before is forgotten, with its deliveries, unless it is open. */
  readonly history_before: Date;
  readonly audit_before: Date;
  /** The archive holds everything that was stored since then, and what is older no longer. */
  readonly archive_from: Date;
}

export interface Database {
  organisations: OrganisationsTable;
  api_keys: ApiKeysTable;
  webhooks: WebhooksTable;
  config_outbox: ConfigOutboxTable;
  delivery_log: DeliveryLogTable;
  deliveries: DeliveriesTable;
  events: EventsTable;
  retry_due: RetryDueTable;
  webhook_health: WebhookHealthTable;
  projector_checkpoint: ProjectorCheckpointTable;
  event_types: EventTypesTable;
  payload_deletions: PayloadDeletionsTable;
  log_outbox: LogOutboxTable;
  idempotency_keys: IdempotencyKeysTable;
  replays: ReplaysTable;
  replay_requests: ReplayRequestsTable;
  webhook_disablings: WebhookDisablingsTable;
  audit: AuditTable;
  retention_progress: RetentionProgressTable;
}

/** A table's row as a query returns it. */
export type Row<Table extends keyof Database> = Selectable<Database[Table]>;
