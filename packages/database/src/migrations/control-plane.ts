/** What the control plane adds to the configuration, and what the projector folds for it. */

import { type Kysely, sql } from "kysely";

export async function createControlPlane(db: Kysely<unknown>): Promise<void> {
  await extendConfiguration(db);
  await createOutboxes(db);
  await extendDeliveries(db);
  await orderEvents(db);
  await indexReleases(db);
  await createReplaysAndAudit(db);
  await grantControlPlane(db);
}

async function extendConfiguration(db: Kysely<unknown>): Promise<void> {
  await sql`alter table organisations add column strict_event_types boolean not null default false`.execute(db);
  await sql`
    alter table webhooks
      add column filter text,
      add column event_type_prefix text not null default '',
      add column sealed_token bytea,
      add column sealed_headers bytea,
      add column header_names text[] not null default '{}',
      add column rate_limit integer,
      add column ordered boolean not null default false,
      add column signing text not null default 'hmac',
      add column public_key text,
      add column disabled_reason text,
      add column has_secret boolean not null default true,
      add column secret_readable boolean not null default false,
      add column external_id text,
      add column legacy_signs_with text not null default 'old',
      add column secret_expiries timestamptz(3)[] not null default '{}'`.execute(db);
  await sql`update webhooks set secret_expiries = array_fill(null::timestamptz(3), array[cardinality(sealed_secrets)])
    where cardinality(sealed_secrets) > 0`.execute(db);
  await sql`
    create unique index webhooks_external_id on webhooks (org_id, external_id)
    where external_id is not null and deleted_at is null`.execute(db);
  await sql`
    create index webhooks_rotating on webhooks (id)
    where deleted_at is null and cardinality(sealed_secrets) > 1`.execute(db);
  await sql`
    create table event_types (
      id uuid primary key,
      org_id uuid not null references organisations,
      name text not null,
      description text,
      schema text,
      created_at timestamptz(3) not null,
      updated_at timestamptz(3) not null,
      deleted_at timestamptz(3),
      version bigint not null
    )`.execute(db);
  await sql`create unique index event_types_name on event_types (org_id, name) where deleted_at is null`.execute(db);
  await sql`create index event_types_newest on event_types (org_id, created_at desc, id desc)`.execute(db);
  await sql`
    create table payload_deletions (
      event_id uuid primary key,
      org_id uuid not null references organisations,
      created_at timestamptz(3) not null,
      deleted_at timestamptz(3),
      version bigint not null
    )`.execute(db);
  await sql`create index payload_deletions_age on payload_deletions (created_at) where deleted_at is null`.execute(db);
}

async function createOutboxes(db: Kysely<unknown>): Promise<void> {
  // Log events of api, written with the change that they are about; `log_id` names the happening.
  await sql`
    create table log_outbox (
      id bigint generated always as identity primary key,
      org_id uuid not null,
      log_id text not null,
      bytes bytea not null,
      created_at timestamptz(3) not null
    )`.execute(db);
  await sql`
    create table idempotency_keys (
      org_id uuid not null,
      operation text not null,
      idempotency_key text not null,
      fingerprint bytea not null,
      state text not null,
      status integer,
      body text,
      created_at timestamptz(3) not null,
      primary key (org_id, operation, idempotency_key)
    )`.execute(db);
  await sql`create index idempotency_keys_age on idempotency_keys (created_at)`.execute(db);
}

async function extendDeliveries(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table deliveries
      add column event_type_prefix text,
      add column replay_id uuid,
      add column is_only boolean not null default false`.execute(db);
  await sql`
    alter table retry_due
      add column message_id uuid,
      add column event_type_prefix text not null default '',
      add column is_only boolean not null default false,
      add column may_have_been_sent boolean not null default false,
      add column reason text`.execute(db);
  await sql`update retry_due set message_id = delivery_id`.execute(db);
  await sql`alter table retry_due alter column message_id set not null`.execute(db);
  await sql`
    alter table webhook_health
      alter column last_attempt_at drop not null,
      add column failing_since timestamptz(3),
      add column congested_count integer not null default 0,
      add column circuit text not null default 'closed',
      add column circuit_generation integer not null default 0,
      add column circuit_changed_at timestamptz(3)`.execute(db);
  await sql`
    create index webhook_health_failing on webhook_health (failing_since) where failing_since is not null`.execute(db);
}

/** Receivers that catch up read an organisation's events in the order of acceptance, which is that of their places. */
async function orderEvents(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index events_in_order on events (org_id, place_epoch_ms, place_sequence, place_index)`.execute(db);
}

/**
 * Retries are claimed by their time; what is parked, webhook by webhook in the order of acceptance, so that 20,000
 * parked rows of one webhook are passed over by every other look. Claims touch no column that an index names.
 */
async function indexReleases(db: Kysely<unknown>): Promise<void> {
  await sql`drop index retry_due_next`.execute(db);
  await sql`drop index retry_due_parked`.execute(db);
  await sql`create index retry_due_next on retry_due (partition, due_at) where kind = 'retry'`.execute(db);
  await sql`
    create index retry_due_parked on retry_due
      (partition, webhook_id, place_epoch_ms, place_sequence, place_index) where kind = 'parked'`.execute(db);
  // An ordered webhook's later deliveries wait for the retries of its earlier ones.
  await sql`
    create index retry_due_of_webhook on retry_due
      (webhook_id, place_epoch_ms, place_sequence, place_index) where kind = 'retry'`.execute(db);
}

async function createReplaysAndAudit(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table replays (
      id uuid primary key,
      org_id uuid not null,
      partition smallint not null,
      webhook_id uuid not null,
      since timestamptz(3) not null,
      until timestamptz(3) not null,
      statuses text[] not null,
      types text[] not null,
      started_by text not null,
      state text not null,
      total integer,
      done integer not null,
      skipped integer not null,
      cursor text not null,
      created_at timestamptz(3) not null,
      finished_at timestamptz(3)
    )`.execute(db);
  await sql`create index replays_running on replays (partition) where state = 'running'`.execute(db);
  await sql`create index replays_newest on replays (org_id, created_at desc, id desc)`.execute(db);
  // What api has promised and the projection does not know yet.
  await sql`
    create table replay_requests (
      id uuid primary key,
      org_id uuid not null references organisations,
      webhook_id uuid not null,
      since timestamptz(3) not null,
      until timestamptz(3) not null,
      statuses text[] not null,
      types text[] not null,
      started_by text not null,
      created_at timestamptz(3) not null
    )`.execute(db);
  await sql`
    create table webhook_disablings (
      webhook_id uuid not null,
      org_id uuid not null,
      reason text not null,
      config_version bigint not null,
      disabled_at timestamptz(3) not null,
      primary key (webhook_id, config_version)
    )`.execute(db);
  await sql`create index webhook_disablings_recent on webhook_disablings (disabled_at)`.execute(db);
  await sql`
    create table audit (
      id text primary key,
      org_id uuid not null,
      changed_at timestamptz(3) not null,
      actor text not null,
      action text not null,
      subject_kind text not null,
      subject_id text not null,
      fields text[] not null,
      request_id text not null
    )`.execute(db);
  await sql`create index audit_of_org on audit (org_id, changed_at desc, id desc)`.execute(db);
}

async function grantControlPlane(db: Kysely<unknown>): Promise<void> {
  await sql`
    grant select, insert, update, delete on event_types, payload_deletions, log_outbox, idempotency_keys, replay_requests
    to posthorn_api`.execute(db);
  await sql`grant select on replays, webhook_disablings, audit to posthorn_api`.execute(db);
  await sql`
    grant select, insert, update, delete on replays, webhook_disablings, audit to posthorn_projector`.execute(db);
  await sql`grant select on replays, webhook_health, events, webhook_disablings to posthorn_scheduler`.execute(db);
}
