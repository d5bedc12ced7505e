/**
 * A second set of the projections' tables, in a schema of its own: like the live ones in every respect, their indexes,
 * grants and settings included, whatever migrations have made of them; filled aside, then put in their place.
 */

import type { PoolClient } from "@posthorn/database";

/** Everything that can be folded from the archive. */
export const PROJECTION_TABLES = [
  "deliveries",
  "events",
  "retry_due",
  "webhook_health",
  "replays",
  "webhook_disablings",
  "audit",
] as const;
export type ProjectionTable = (typeof PROJECTION_TABLES)[number];

export const LIVE_SCHEMA = "public";
export const SIDE_SCHEMA = "posthorn_rebuild";
const RETIRED_SCHEMA = "posthorn_retired";

/** With primary keys only, which the fold needs. What an earlier run has left behind is dropped. */
export async function createSideTables(client: PoolClient): Promise<void> {
  await client.query(`drop schema if exists ${SIDE_SCHEMA} cascade`);
  await client.query(`create schema ${SIDE_SCHEMA}`);
  for (const table of PROJECTION_TABLES) {
    const side = `${SIDE_SCHEMA}.${table}`;
    await client.query(`create table ${side} (like ${LIVE_SCHEMA}.${table} including all excluding indexes)`);
    await runAll(client, SETTINGS, table);
    await runAll(client, KEYS, table);
  }
}

/** What only readers need: cheaper to make once the rows are there. */
export async function completeSideTables(client: PoolClient): Promise<void> {
  for (const table of PROJECTION_TABLES) {
    await runAll(client, INDEXES, table);
    await runAll(client, GRANTS, table);
    await client.query(`analyze ${SIDE_SCHEMA}.${table}`);
  }
}

/**
 * Within the caller's transaction. A row that waits for its time but is missing in the live table may have been
 * released: it gets an expired claim, which tells the scheduler that its release may be a repeat.
 */
export async function swapTables(client: PoolClient): Promise<void> {
  // Nothing may be claimed or released between the look at the claims and the swap.
  await client.query(`lock table ${LIVE_SCHEMA}.retry_due in access exclusive mode`);
  await client.query(`
    update ${SIDE_SCHEMA}.retry_due side set claimed_until = case
      when live.delivery_id is null then 'epoch' else live.claimed_until end
    from ${SIDE_SCHEMA}.retry_due every
    left join ${LIVE_SCHEMA}.retry_due live using (delivery_id, attempt, release)
    where side.delivery_id = every.delivery_id`);
  await client.query(`create schema ${RETIRED_SCHEMA}`);
  for (const table of PROJECTION_TABLES) {
    await client.query(`alter table ${LIVE_SCHEMA}.${table} set schema ${RETIRED_SCHEMA}`);
    await client.query(`alter table ${SIDE_SCHEMA}.${table} set schema ${LIVE_SCHEMA}`);
  }
  await client.query(`drop schema ${RETIRED_SCHEMA} cascade`);
}

export async function dropSideTables(client: PoolClient): Promise<void> {
  await client.query(`drop schema if exists ${SIDE_SCHEMA} cascade`);
}

/** Runs the statements that a query about a live table gives. */
async function runAll(client: PoolClient, query: string, table: ProjectionTable): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(query, [`${LIVE_SCHEMA}.${table}`, SIDE_SCHEMA]);
  for (const { statement } of rows) await client.query(statement);
}

const SETTINGS = `
  select format('alter table %I.%I owner to %I', $2::text, relname, pg_get_userbyid(relowner)) as statement
  from pg_class where oid = $1::regclass
  union all
  select format('alter table %I.%I set (%s)', $2::text, relname, array_to_string(reloptions, ', '))
  from pg_class where oid = $1::regclass and reloptions is not null`;

const KEYS = `
  select format('alter table %I.%I add constraint %I %s', $2::text, relname, conname, pg_get_constraintdef(con.oid))
    as statement
  from pg_constraint con join pg_class c on c.oid = conrelid
  where conrelid = $1::regclass and contype in ('p', 'u')`;

const INDEXES = `
  select replace(pg_get_indexdef(i.indexrelid), format(' ON %s ', $1::text), format(' ON %I.%I ', $2::text, c.relname))
    as statement
  from pg_index i join pg_class c on c.oid = i.indrelid
  where i.indrelid = $1::regclass
    and not exists (select 1 from pg_constraint con where con.conindid = i.indexrelid)`;

const GRANTS = `
  select format('grant %s on %I.%I to %I', privilege_type, $2::text, relname, pg_get_userbyid(grantee)) as statement
  from pg_class, aclexplode(relacl)
  where pg_class.oid = $1::regclass and grantee <> relowner and grantee <> 0`;
