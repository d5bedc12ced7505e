/** What operators configure: the truth that `api` writes and the KV bucket copies. */

import { type Kysely, sql } from "kysely";

export async function createConfiguration(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table organisations (
      id uuid primary key,
      name text not null,
      created_at timestamptz(3) not null,
      version bigint not null
    )`.execute(db);
  await sql`create index organisations_newest on organisations (created_at desc, id desc)`.execute(db);

  await sql`
    create table api_keys (
      id uuid primary key,
      org_id uuid not null references organisations,
      name text not null,
      scope text not null,
      hash bytea not null unique,
      created_at timestamptz(3) not null,
      last_used_at timestamptz(3),
      revoked_at timestamptz(3),
      version bigint not null
    )`.execute(db);
  await sql`create index api_keys_newest on api_keys (org_id, created_at desc, id desc)`.execute(db);

  await sql`
    create table webhooks (
      id uuid primary key,
      org_id uuid not null references organisations,
      url text not null,
      patterns text[] not null,
      description text,
      profile text not null,
      timeout_ms integer,
      retry_delays_s integer[],
      is_active boolean not null,
      sealed_secrets bytea[] not null,
      created_at timestamptz(3) not null,
      updated_at timestamptz(3) not null,
      deleted_at timestamptz(3),
      version bigint not null
    )`.execute(db);
  await sql`create index webhooks_newest on webhooks (org_id, created_at desc, id desc)`.execute(db);

  // The identity only orders what waits to be copied; no projection reads it.
  await sql`
    create table config_outbox (
      id bigint generated always as identity primary key,
      kind text not null,
      org_id uuid not null,
      entity_id uuid not null,
      version bigint not null,
      created_at timestamptz(3) not null
    )`.execute(db);
}
