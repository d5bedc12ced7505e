/**
 * The projections: everything here can be folded again from the archive. Columns that an index names are constant
 * wherever that is possible, because an update that changes no indexed column touches no index.
 */

import { type Kysely, sql } from "kysely";

export async function createProjections(db: Kysely<unknown>): Promise<void> {
  await createDeliveries(db);
  await createEvents(db);
  await createRetryDue(db);
  await createSmallTables(db);
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  // Most rows are updated once, when the outcome comes in a later batch than the creation: a fifth of each page is
  // kept for that, so that the new version stays on the page that is in memory anyway.
  await sql`
    create table deliveries (
      id uuid primary key,
      org_id uuid not null,
      event_id uuid not null,
      webhook_id uuid not null,
      created_at timestamptz(3) not null,
      completed_at timestamptz(3),
      next_attempt_at timestamptz(3),
      last_started_at timestamptz(3),
      accepted_at timestamptz(3),
      place_epoch_ms bigint,
      place_sequence bigint,
      place_index integer,
      attempt_count integer not null,
      release integer not null,
      repeated_attempts integer not null,
      last_status_code integer,
      partition smallint not null,
      test boolean not null default false,
      replay_of uuid,
      status text not null,
      reason text,
      event_type text,
      profile text,
      traceparent text,
      last_dispatcher text,
      last_error_class text,
      error_message text,
      log_epochs bigint[] not null,
      log_sequences bigint[] not null
    ) with (fillfactor = 80)`.execute(db);
  // Rows come in the order of their time, and Postgres leaves full the pages that it appends to: 59 bytes per row of an
  // organisation instead of 81 the other way round. Lists read them backwards; with the types in them the few of a rare
  // type are found without the rows of all others.
  await sql`
    create index deliveries_of_webhook on deliveries (webhook_id, created_at, id) include (event_type)`.execute(db);
  await sql`
    create index deliveries_of_org on deliveries (org_id, created_at, id) include (event_type)`.execute(db);
  await sql`create index deliveries_of_event on deliveries (event_id)`.execute(db);
  // For the reconciler. It stays as small as what is open, and says nothing of the status, which changes often.
  await sql`
    create index deliveries_open on deliveries (partition, created_at) where completed_at is null`.execute(db);
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table events (
      id uuid primary key,
      org_id uuid not null,
      accepted_at timestamptz(3) not null,
      place_epoch_ms bigint not null,
      place_sequence bigint not null,
      place_index integer not null,
      type text not null,
      timestamp text,
      caller_id text,
      traceparent text not null
    )`.execute(db);
  // Publishers look an event up by the id they gave it.
  await sql`
    create index events_of_caller on events (org_id, caller_id, accepted_at, id)
    where caller_id is not null`.execute(db);
}

async function createRetryDue(db: Kysely<unknown>): Promise<void> {
  // Rows live from one attempt to the next and are claimed once: room for that one update.
  await sql`
    create table retry_due (
      delivery_id uuid primary key,
      due_at timestamptz(3) not null,
      claimed_until timestamptz(3),
      accepted_at timestamptz(3) not null,
      org_id uuid not null,
      event_id uuid not null,
      webhook_id uuid not null,
      place_epoch_ms bigint not null,
      place_sequence bigint not null,
      place_index integer not null,
      attempt integer not null,
      release integer not null,
      partition smallint not null,
      kind text not null,
      event_type text not null,
      profile text not null,
      traceparent text not null
    ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)`.execute(db);
  await sql`create index retry_due_next on retry_due (partition, due_at)`.execute(db);
  // Parked deliveries are released early when their webhook takes deliveries again.
  await sql`create index retry_due_parked on retry_due (webhook_id) where kind = 'parked'`.execute(db);
}

/** Few rows, each updated with every batch: pages with room, so that updates stay on them and off the indexes. */
async function createSmallTables(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table webhook_health (
      webhook_id uuid primary key,
      org_id uuid not null,
      last_attempt_at timestamptz(3) not null,
      last_status_code integer,
      last_error_class text,
      consecutive_failures integer not null
    ) with (fillfactor = 50)`.execute(db);
  await sql`
    create table projector_checkpoint (
      partition smallint primary key,
      stream_epoch_ms bigint not null,
      epoch_ms bigint not null,
      sequence bigint not null,
      message_fingerprint text
    ) with (fillfactor = 20)`.execute(db);
}
