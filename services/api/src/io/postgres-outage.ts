/** Tells an outage of Postgres from a mistake in a query: the one is answered with 503, the other is a bug. */

import { sqlStateOf } from "@posthorn/database";

/** Connection, resources, shutdown and start, and the time-outs that the server keeps. */
const OUTAGE_STATES = /^(08...|53...|57P..|57014|25P03)$/;
/** System errors of sockets and names. */
const SYSTEM_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
]);
/** The driver gives its own time-outs and lost connections no code: these are how their messages begin. */
const DRIVER_MESSAGES = [
  "timeout exceeded when trying to connect",
  "Connection terminated",
  "Query read timeout",
  "Client has encountered a connection error",
];

export function isPostgresOutage(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return OUTAGE_STATES.test(state);
  if (!(error instanceof Error)) return false;
  const isSystemError = "code" in error && typeof error.code === "string" && SYSTEM_CODES.has(error.code);
  return isSystemError || DRIVER_MESSAGES.some((beginning) => error.message.startsWith(beginning));
}
