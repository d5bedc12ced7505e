/** The two ways in which the projector opens its database. */

import { type OpenDatabase, openDatabase } from "@posthorn/database";
import { PARTITIONS } from "@posthorn/domain";
import { LIVE_SCHEMA, SIDE_SCHEMA } from "./side-tables.ts";

/** A transaction for each partition, the session that holds the partitions, and some for questions. */
const CONNECTIONS_MAX = PARTITIONS + 5;
/** The session that holds the lock, and one that replays. */
const REBUILD_CONNECTIONS_MAX = 2;

/**
 * Plans are made once and without looking at the size of tables: a plan that scans a table while it is still empty
 * would go on to do so when it no longer is. Compiling the plan would take longer than any of these statements.
 */
const PLANNING = { plan_cache_mode: "force_generic_plan", enable_seqscan: "off", jit: "off" };

export function openToProject(url: string): OpenDatabase {
  return openDatabase(url, {
    poolMax: CONNECTIONS_MAX,
    applicationName: "posthorn-projector",
    isPipelined: true,
    sessionSettings: PLANNING,
  });
}

/** @param url of the tables' owner. What is written goes to the side tables, where there are some. */
export function openToRebuild(url: string): OpenDatabase {
  return openDatabase(url, {
    poolMax: REBUILD_CONNECTIONS_MAX,
    applicationName: "posthorn-rebuild",
    isPipelined: true,
    statementTimeoutMs: 0,
    sessionSettings: { ...PLANNING, search_path: `${SIDE_SCHEMA},${LIVE_SCHEMA}` },
  });
}
