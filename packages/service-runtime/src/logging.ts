/**
 * JSON lines on standard output: level, ISO time, service, pid, message. Lines are gathered and written together, at
 * the latest after half a second and at exit. What is named like a secret is masked on its way out.
 */
import { pino } from "pino";
import type { RuntimeSettings } from "./runtime-settings.ts";
import { parseTraceparent } from "./traceparent.ts";

export type Logger = pino.Logger;

/** A log with the means to get its gathered lines out. */
export interface LogOutput extends AsyncDisposable {
  readonly log: Logger;
}

/** Bytes gathered before a write: a write per line costs more than making the line. */
const GATHERED_BYTES = 4_096;
/** How long a line may wait for company. */
const FLUSH_INTERVAL_MS = 500;
const STDOUT_FD = 1;

/** Names whose values never belong in a log, up to two objects deep. */
const SECRET_NAMES = [
  "secret",
  "secrets",
  "password",
  "key",
  "apiKey",
  "api_key",
  "adminKey",
  "masterKey",
  "token",
  "authorization",
  "Authorization",
  "cookie",
];
const SECRET_PATHS = [
  ...SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  '["x-api-key"]',
  '*["x-api-key"]',
  '*.*["x-api-key"]',
];

/** Opens the log of a process on standard output. Disposing writes out what is gathered. */
export function openLog(serviceName: string, level: RuntimeSettings["logLevel"]): LogOutput {
  const destination = pino.destination({
    dest: STDOUT_FD,
    sync: false,
    minLength: GATHERED_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
  });
  return {
    log: createLogger(serviceName, level, destination),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        // A reader that is gone (EPIPE) is no reason to fail a stop: there is nobody left to tell.
        destination.flush(() => resolve());
      }),
  };
}

/** A logger that writes its lines to the given place. */
export function createLogger(
  serviceName: string,
  level: RuntimeSettings["logLevel"],
  destination: pino.DestinationStream,
): Logger {
  return pino(
    {
      level,
      base: { service: serviceName, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: "***" },
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
    },
    destination,
  );
}

/** A child whose lines carry `trace_id` and `span_id`; the same logger when the traceparent is absent or not valid. */
export function withTrace(log: Logger, traceparent: string | undefined): Logger {
  const context = parseTraceparent(traceparent);
  return context === undefined ? log : log.child({ trace_id: context.traceId, span_id: context.spanId });
}
