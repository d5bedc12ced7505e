/**
 * Makes messages of the archive for seeded deliveries: the outcomes of as many of them as a busy dispatcher puts into one,
 * each a real one under the seeded delivery's ids. Their times stay those of the real ones, and of the headers only some
 * are kept: ten million attempts would fill the disk.
 */

import { decodeLogEvents, encodeLogEvents } from "@posthorn/contracts";
import type { Pool } from "@posthorn/database";
import type { AttemptSucceeded, LogEvent } from "@posthorn/domain";

/** Outcomes in a message. */
const OUTCOMES = 250;
/** Of a request, and of an answer. */
const HEADERS = 2;
/** Behind every message that the log has. */
const FIRST_SEQUENCE = 1_000_000_000_000;
/** Of the archive, among which outcomes are looked for. */
const MESSAGES_READ = 100;

/** As SQL. @param n of a delivery, as SQL: the how-manieth it is. */
export function sequenceOf(n: string): string {
  return `${FIRST_SEQUENCE} + ${n} / ${OUTCOMES}`;
}

export type OutcomesToSeed = {
  readonly orgId: string;
  /** How far the seeded deliveries go back. */
  readonly days: number;
  /** Of the n-th delivery, the same for the one that is `OUTCOMES` behind it. */
  readonly hasFailed: (n: number) => boolean;
};

/** Makes the session's table of what stands in a message around the ids of its deliveries. */
export async function prepareOutcomes(pool: Pool, { orgId, days, hasFailed }: OutcomesToSeed): Promise<void> {
  await pool.query("select ensure_delivery_log_partitions((now() at time zone 'UTC')::date - $1::integer, $1 + 1)", [
    days,
  ]);
  const outcomes = await readOutcomes(pool, orgId);
  const parts = Array.from({ length: OUTCOMES }, (_, n) => {
    const outcome = outcomes[n % outcomes.length];
    if (outcome === undefined) throw new Error(`the archive tells of no attempt of ${orgId} that could be copied`);
    return partsOf(hasFailed(n) ? failed(shortened(outcome)) : shortened(outcome));
  });
  await pool.query("create temp table part (k integer, before bytea, between_ids bytea, behind bytea)");
  await pool.query(
    `insert into part select n - 1, before, between_ids, behind
     from unnest($1::bytea[], $2::bytea[], $3::bytea[]) with ordinality as given (before, between_ids, behind, n)`,
    [parts.map(({ before }) => before), parts.map(({ between }) => between), parts.map(({ behind }) => behind)],
  );
}

/** Of the deliveries in the session's table `one`, which are those from `first` on and before `end`. */
export async function archiveOutcomes(pool: Pool, first: number, end: number): Promise<void> {
  await pool.query("create index on one (n)");
  await pool.query(
    `insert into delivery_log (partition, epoch_ms, sequence, stored_at, bytes)
     select place.partition, place.epoch_ms, ${sequenceOf("message.n")}, told.at, told.bytes
     from generate_series($1::bigint, $2::bigint, ${OUTCOMES}) as message (n)
     cross join (
       select partition, log_epochs[1] as epoch_ms from deliveries where id = (select template_id from one limit 1)
     ) as place
     cross join lateral (
       select max(one.at) as at,
         string_agg(part.before || convert_to(one.event_id::text, 'UTF8') || part.between_ids || convert_to(one.id::text, 'UTF8') || part.behind, ''::bytea)
           as bytes
       from one join part on part.k = one.n % ${OUTCOMES}
       where one.n between message.n and message.n + ${OUTCOMES - 1}
     ) as told`,
    [first, end - 1],
  );
}

async function readOutcomes(pool: Pool, orgId: string): Promise<readonly AttemptSucceeded[]> {
  const { rows } = await pool.query<{ bytes: Buffer }>(
    `select bytes from delivery_log where partition = (select partition from deliveries where org_id = $1 limit 1)
     order by epoch_ms desc, sequence desc limit ${MESSAGES_READ}`,
    [orgId],
  );
  const events = rows.flatMap(({ bytes }): readonly LogEvent[] => {
    const decoded = decodeLogEvents(bytes);
    return decoded.kind === "decoded" ? decoded.value : [];
  });
  return events
    .filter((event) => event.kind === "attempt.succeeded")
    .filter((event) => event.orgId === orgId && event.attempt.number === 1);
}

function shortened(outcome: AttemptSucceeded): AttemptSucceeded {
  const { requestHeaders, responseHeaders } = outcome.attempt;
  const headers = {
    requestHeaders: requestHeaders.slice(0, HEADERS),
    responseHeaders: responseHeaders.slice(0, HEADERS),
  };
  return { ...outcome, attempt: { ...outcome.attempt, ...headers } };
}

function failed({ kind: _, ...outcome }: AttemptSucceeded): LogEvent {
  return {
    ...outcome,
    kind: "attempt.failed",
    attempt: { ...outcome.attempt, statusCode: 500 },
    errorClass: "status",
    errorMessage: "The receiver answered 500.",
    nextAtMs: undefined,
  };
}

/** What stands before the event's id, between that and the delivery's, and behind both. */
function partsOf(outcome: LogEvent) {
  if (!("deliveryId" in outcome)) throw new Error("an outcome is a delivery's");
  const bytes = Buffer.from(encodeLogEvents([outcome]));
  const [eventAt, deliveryAt] = [bytes.indexOf(outcome.eventId), bytes.indexOf(outcome.deliveryId)];
  if (eventAt < 0 || deliveryAt < eventAt) throw new Error("an outcome names its event, then its delivery");
  return {
    before: bytes.subarray(0, eventAt),
    between: bytes.subarray(eventAt + outcome.eventId.length, deliveryAt),
    behind: bytes.subarray(deliveryAt + outcome.deliveryId.length),
  };
}
