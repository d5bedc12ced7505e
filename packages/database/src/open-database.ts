/**
 * A pool of connections and a Kysely on it. A broken connection is replaced and never ends the process; a query that
 * hangs ends with an error; a `bigint` that no number can hold exactly is an error, never a rounded value.
 */

import { Kysely, PostgresDialect } from "kysely";
import { type CustomTypesConfig, Pool, types } from "pg";
import type { Database } from "./tables.ts";

export type DatabaseOptions = {
  /** Connections at most. */
  readonly poolMax: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Sends queries without waiting for the answers to earlier ones, when the caller does not wait either. */
  readonly isPipelined?: boolean;
  /** 30,000 without it; 0 is no limit, for maintenance. */
  readonly statementTimeoutMs?: number;
  /** Settings of every session, such as `plan_cache_mode`. Values are words or numbers. */
  readonly sessionSettings?: Readonly<Record<string, string>>;
  /** Told of connections that broke while nobody waited for an answer. */
  readonly onConnectionLost?: (reason: string) => void;
};

export interface OpenDatabase extends AsyncDisposable {
  readonly db: Kysely<Database>;
  /** For prepared statements in hot batches and for sessions that hold advisory locks. */
  readonly pool: Pool;
}

/** A server that does not answer a new connection in this time counts as down. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The server ends a statement after this time; no statement of a service takes seconds. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** For a server that has stopped answering at all: what is waited here beyond the server's own limit. */
const ANSWER_MARGIN_MS = 5_000;
/** A process that froze within a transaction must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;
/** Unused connections are given back. */
const IDLE_TIMEOUT_MS = 60_000;

/** Opens no connection yet: the first query does. */
export function openDatabase(url: string, options: DatabaseOptions): OpenDatabase {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
  const pool = new Pool({
    connectionString: url,
    max: options.poolMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs === 0 ? 0 : statementTimeoutMs + ANSWER_MARGIN_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    pipeline: options.isPipelined ?? false,
    options: Object.entries(options.sessionSettings ?? {})
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    types: TYPES,
  });
  pool.on("error", (error) => options.onConnectionLost?.(error.message));
  // Without a listener of its own a connection that breaks while it is checked out would end the process.
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, [Symbol.asyncDispose]: () => close(db, pool) };
}

/** Kysely ends the pool only if it has used it. */
async function close(db: Kysely<Database>, pool: Pool): Promise<void> {
  await db.destroy();
  if (!pool.ending) await pool.end();
}

const BIGINT_ARRAY_OID = 1016;

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large for a number`);
  return value;
}

function parseBigintArray(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(parseBigint);
}

const TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") => {
    if (oid === types.builtins.INT8) return parseBigint;
    if (oid === BIGINT_ARRAY_OID) return parseBigintArray;
    return types.getTypeParser(oid, format === "binary" ? "binary" : "text");
  },
};
