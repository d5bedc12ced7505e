/** Finds what a person at the terminal must see in the logs of the processes, and says it shortly. */

const LINE_LENGTH_MAX = 300;
/** Pino's number for "warn". */
const WARN_LEVEL = 40;

const SERVER_WARNING = /\[(WRN|ERR|FTL)\]|\b(WARNING|ERROR|FATAL|PANIC):/;
/**
 * What Postgres calls fatal for a connection, and a server of a NATS cluster an error of another, when somebody is
 * merely started, stopped or started again: that is said anyway.
 */
const EXPECTED_OF_SERVERS = [
  "the database system is starting up",
  "the database system is not yet accepting connections",
  "terminating connection due to unexpected postmaster exit",
  "the database system is shutting down",
  "terminating connection due to administrator command",
  "Error trying to connect to route",
  "Waiting for routing to be established",
];

/** Every line has them; the reader knows them already. */
const COMMON_FIELDS = ["level", "time", "service", "pid", "msg"];

const LEVEL_WORDS: readonly { readonly from: number; readonly word: string }[] = [
  { from: 60, word: "FATAL" },
  { from: 50, word: "ERROR" },
  { from: WARN_LEVEL, word: "WARN" },
];

/**
 * A short form of a log line that is a warning or worse, undefined for all others. Lines of services are JSON objects
 * with `level` and `msg`; those of NATS and Postgres carry their level as a word; a service's line that is not JSON
 * comes from a crash of Node itself and is always shown.
 */
export function readableWarning(name: string, kind: "service" | "server", line: string): string | undefined {
  if (line.trim() === "") return undefined;
  if (kind === "server") return isServerWarning(line) ? short(name, line) : undefined;
  const record = parseRecord(line);
  if (record === undefined) return short(name, line);
  const level = levelNumber(record.level);
  const word = LEVEL_WORDS.find(({ from }) => level >= from)?.word;
  return word === undefined ? undefined : short(name, `${word} ${messageOf(record)}`);
}

function isServerWarning(line: string): boolean {
  return SERVER_WARNING.test(line) && !EXPECTED_OF_SERVERS.some((text) => line.includes(text));
}

function short(name: string, text: string): string {
  const cut = text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX)}…` : text;
  return `${name}: ${cut}`;
}

function parseRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>; // a text that begins with { parses to an object
  } catch {
    return undefined;
  }
}

function levelNumber(level: unknown): number {
  if (typeof level === "number") return level;
  const words: Readonly<Record<string, number>> = { warn: WARN_LEVEL, error: 50, fatal: 60 };
  return typeof level === "string" ? (words[level.toLowerCase()] ?? 0) : 0;
}

/** The message, and what else was logged with it as far as it is short: "lost, partition=3 (no route)". */
function messageOf(record: Readonly<Record<string, unknown>>): string {
  const details = Object.entries(record)
    .filter(([name, value]) => !COMMON_FIELDS.includes(name) && ["string", "number"].includes(typeof value))
    .map(([name, value]) => `, ${name}=${value}`);
  const error = record.error ?? record.err;
  const cause = typeof error === "object" && error !== null && "message" in error ? ` (${error.message})` : "";
  return `${record.msg ?? ""}${details.join("")}${cause}`;
}
