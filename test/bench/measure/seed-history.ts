/**
 * Fills the history of an organisation with finished deliveries, each with its event and its attempt, in minutes
 * instead of hours: copies of real ones, spread over the last days. The log of each is a real creation's message, which
 * tells of others, and a message of the archive that is made for it and its neighbours (see `seed-archive.ts`).
 */

import { openDatabase, type Pool } from "@posthorn/database";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";
import { archiveOutcomes, prepareOutcomes, sequenceOf } from "./seed-archive.ts";

const ROWS_AT_ONCE = 200_000;
const SPREAD_DAYS = 3;
/** One in so many has failed for good. */
const EXHAUSTED_EVERY = 50;
/** One in so many is of another type than the rest. */
const RARE_EVERY = 997;
export const RARE_TYPE = "rare.event";

const TABLES = ["events", "deliveries"] as const;
type Table = (typeof TABLES)[number];

/** A UUIDv7 of the time at which the event was accepted, as ingest makes them. */
const EVENT_ID = `(lpad(to_hex((extract(epoch from times.at) * 1000)::bigint), 12, '0') || '70008000'
  || lpad(to_hex(times.n), 12, '0'))::uuid`;

/** What is not copied from the template but made for row n, as SQL over `one` (ids, time, n) and `template`. */
const MADE: Readonly<Record<Table, Readonly<Record<string, string>>>> = {
  events: {
    id: "one.event_id",
    accepted_at: "one.at",
    type: "one.type",
    // Unique in the order of acceptance, and never a place that the stream holds.
    place_sequence: "1000000000000 + one.n",
  },
  deliveries: {
    id: "one.id",
    event_id: "one.event_id",
    created_at: "one.at",
    accepted_at: "one.at",
    completed_at: "one.at + interval '1 second'",
    last_started_at: "one.at",
    event_type: "one.type",
    place_sequence: "1000000000000 + one.n",
    status: "case when one.has_failed then 'exhausted' else template.status end",
    reason: "case when one.has_failed then 'attempts_exhausted' end",
    last_status_code: "case when one.has_failed then 500 else template.last_status_code end",
    last_error_class: "case when one.has_failed then 'status' end",
    error_message: "case when one.has_failed then 'The receiver answered 500.' end",
    log_epochs: "array[template.log_epochs[1], template.log_epochs[1]]",
    log_sequences: `array[template.log_sequences[1], ${sequenceOf("one.n")}]`,
  },
};

/** @param rows deliveries to be made from those that the organisation has. */
export async function seedHistory({ stack }: TestStack, { orgId }: Tenant, rows: number): Promise<void> {
  const options = { poolMax: 1, applicationName: "bench", statementTimeoutMs: 0 };
  await using database = openDatabase(stack.databaseUrl, options);
  const { pool } = database;
  await pool.query(
    `create temp table template as
     select row_number() over () - 1 as n, id, event_id from deliveries where org_id = '${orgId}' and status = 'delivered'`,
  );
  await prepareOutcomes(pool, { orgId, days: SPREAD_DAYS, hasFailed: (n) => n % EXHAUSTED_EVERY === 0 });
  const indexes = await takeIndexesOff(pool);
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    await insertRows(pool, first, Math.min(first + ROWS_AT_ONCE, rows), rows);
  }
  for (const definition of indexes) await pool.query(definition);
  // The server does so by itself within minutes of so many rows, while something is measured.
  for (const table of [...TABLES, "delivery_log"]) await pool.query(`vacuum (analyze) ${table}`);
}

/**
 * Rows are inserted several times as fast without them. Those of open deliveries stay: none is seeded, and the services
 * look by them all the time. @returns the statements that make them again.
 */
async function takeIndexesOff(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename = any($1) and indexname not like '%_pkey' and indexdef not like '% WHERE %'`,
    [TABLES],
  );
  for (const { name } of rows) await pool.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}

async function insertRows(pool: Pool, first: number, end: number, rows: number): Promise<void> {
  await pool.query("drop table if exists one");
  await pool.query(
    `create temp table one as
     select times.n, times.at, gen_random_uuid() as id, ${EVENT_ID} as event_id,
       template.id as template_id, template.event_id as template_event_id,
       times.n % ${EXHAUSTED_EVERY} = 0 as has_failed,
       case when times.n % ${RARE_EVERY} = 0 then '${RARE_TYPE}' else 'bench.event' end as type
     from (
       select n, date_trunc('milliseconds', now() - (${rows} - n) * (interval '${SPREAD_DAYS} days' / ${rows})) as at
       from generate_series(${first}::bigint, ${end - 1}::bigint) as n
     ) as times
     join template on template.n = times.n % (select count(*) from template)`,
  );
  await insertInto(pool, "events", "template.id = one.template_event_id");
  await insertInto(pool, "deliveries", "template.id = one.template_id");
  await archiveOutcomes(pool, first, end);
}

async function insertInto(pool: Pool, table: Table, join: string): Promise<void> {
  const { rows } = await pool.query<{ name: string; quoted: string }>(
    `select column_name as name, quote_ident(column_name) as quoted
     from information_schema.columns where table_schema = 'public' and table_name = $1`,
    [table],
  );
  const columns = rows.map(({ quoted }) => quoted).join(", ");
  const values = rows.map(({ name, quoted }) => MADE[table][name] ?? `template.${quoted}`).join(", ");
  await pool.query(`insert into ${table} (${columns}) select ${values} from one join ${table} as template on ${join}`);
}
