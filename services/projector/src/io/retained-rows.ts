/**
 * What retention means for a rebuild. The archive goes back a little further than history is kept: what retention has
 * forgotten is taken out of the rebuilt rows by the rule that took it out of the live ones. And some live rows say more
 * than the archive still can: the lines of the audit, which are kept longer, and of a webhook's health what began
 * before the archive does. These are carried over.
 */

import type { PoolClient } from "@posthorn/database";
import { LIVE_SCHEMA, SIDE_SCHEMA } from "./side-tables.ts";

const PAGE_ROWS_MAX = 5_000;
const FIRST_EVENT_ID = "00000000-0000-0000-0000-000000000000";
/** What happened before it may have been stored before the archive begins: outcomes are logged late, clocks differ. */
const ARCHIVE_BLUR = "interval '1 hour'";

/** Within the caller's transaction if there is one: on the tables that the session's search path names. */
export async function forgetRetired(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ history_before: Date; audit_before: Date }>(
    `select history_before, audit_before from ${LIVE_SCHEMA}.retention_progress`,
  );
  const [progress] = rows;
  if (progress === undefined) return;
  const { history_before: before, audit_before: auditBefore } = progress;
  await retire(client, "retire_deliveries", before);
  await retire(client, "retire_events", before);
  await client.query("select retire_records($1)", [before]);
  await client.query("delete from audit where changed_at < $1", [auditBefore]);
}

/** The same on the live tables, whose last pass of retention may not have ended. */
export async function forgetRetiredLive(client: PoolClient): Promise<void> {
  await client.query(`set local search_path = ${LIVE_SCHEMA}`);
  await forgetRetired(client);
  await client.query(`set local search_path = ${SIDE_SCHEMA}, ${LIVE_SCHEMA}`);
}

async function retire(client: PoolClient, rule: "retire_deliveries" | "retire_events", before: Date): Promise<void> {
  let behind = FIRST_EVENT_ID;
  for (;;) {
    const { rows } = await client.query<{ retired: number; reached: string | null }>(
      `select retired, reached from ${rule}($1, $2, $3)`,
      [before, behind, PAGE_ROWS_MAX],
    );
    const [page] = rows;
    if (page === undefined || page.retired < PAGE_ROWS_MAX) return;
    behind = page.reached ?? behind;
  }
}

/** Of what the archive cannot say any more: nothing as long as no day of it has been dropped. */
export async function carryOver(client: PoolClient): Promise<void> {
  for (const statement of CARRY_OVER) await client.query(statement);
}

/** No row as long as the archive is whole. */
const ARCHIVE_BEGIN = `
  (select archive_from + ${ARCHIVE_BLUR} as archive_begin from ${LIVE_SCHEMA}.retention_progress
   where archive_from > 'epoch') archive`;

/**
 * An attempt, a run of failures or a circuit that began before the archive is known from the live row only; the count of
 * all that a receiver was too busy for began with its webhook.
 */
const CARRY_OVER = [
  `insert into ${SIDE_SCHEMA}.audit
   select live.* from ${LIVE_SCHEMA}.audit live, ${ARCHIVE_BEGIN} where live.changed_at < archive_begin
   on conflict do nothing`,
  `insert into ${SIDE_SCHEMA}.webhook_health
   select live.* from ${LIVE_SCHEMA}.webhook_health live, ${ARCHIVE_BEGIN}
   where coalesce(greatest(live.last_attempt_at, live.circuit_changed_at), 'epoch') < archive_begin
   on conflict do nothing`,
  `update ${SIDE_SCHEMA}.webhook_health side set
     last_attempt_at = live.last_attempt_at, last_status_code = live.last_status_code,
     last_error_class = live.last_error_class
   from ${LIVE_SCHEMA}.webhook_health live, ${ARCHIVE_BEGIN}
   where live.webhook_id = side.webhook_id and live.last_attempt_at < archive_begin`,
  `update ${SIDE_SCHEMA}.webhook_health side set
     consecutive_failures = live.consecutive_failures, failing_since = live.failing_since
   from ${LIVE_SCHEMA}.webhook_health live, ${ARCHIVE_BEGIN}
   where live.webhook_id = side.webhook_id and least(live.failing_since, live.last_attempt_at) < archive_begin`,
  `update ${SIDE_SCHEMA}.webhook_health side set
     circuit = live.circuit, circuit_generation = live.circuit_generation, circuit_changed_at = live.circuit_changed_at
   from ${LIVE_SCHEMA}.webhook_health live, ${ARCHIVE_BEGIN}
   where live.webhook_id = side.webhook_id and live.circuit_changed_at < archive_begin`,
  `update ${SIDE_SCHEMA}.webhook_health side set congested_count = live.congested_count
   from ${LIVE_SCHEMA}.webhook_health live, ${ARCHIVE_BEGIN} where live.webhook_id = side.webhook_id`,
];
