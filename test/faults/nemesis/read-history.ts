/** Reads what Posthorn itself says of every delivery of a run: its state, its attempts, and what it calls repeats. */

import { decodeLogEvents } from "@posthorn/contracts";
import type { OpenDatabase } from "@posthorn/database";
import type { AttemptRecord, LogEvent } from "@posthorn/domain";

export type RecordedAttempt = {
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Null: no answer came. */
  readonly statusCode: number | null;
};

export type RecordedDelivery = {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly attemptCount: number;
  /** Outcomes that came for an attempt that had one. */
  readonly repeatedAttempts: number;
  /** By their number: the first outcome of each, if the row names the message that tells of it. */
  readonly attempts: readonly RecordedAttempt[];
};

export type History = {
  readonly deliveries: ReadonlyMap<string, RecordedDelivery>;
  /** By delivery: attempts that the log marks as possible repeats. */
  readonly marked: ReadonlyMap<string, number>;
  /** Ids of callers under which more than one event is known. */
  readonly acceptedTwice: readonly string[];
};

const PAGE_ROWS = 20_000;
const LOG_PAGE_ROWS = 500;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export async function readHistory(database: OpenDatabase): Promise<History> {
  const known = await readDeliveries(database);
  const marked = await readOutcomes(database, known);
  const deliveries = [...known].map(
    ([id, { recorded, attempts }]) => [id, { ...recorded, attempts: dense(attempts) }] as const,
  );
  return { deliveries: new Map(deliveries), marked, acceptedTwice: await readAcceptedTwice(database) };
}

/** As far as its row tells, and the outcomes as they are found. */
type KnownDelivery = {
  readonly recorded: Omit<RecordedDelivery, "attempts">;
  readonly sequences: readonly number[];
  /** Each at its number. */
  readonly attempts: RecordedAttempt[];
};

type DeliveryRow = {
  id: string;
  status: string;
  reason: string | null;
  attempt_count: number;
  repeated_attempts: number;
  log_sequences: number[];
};

async function readDeliveries({ pool }: OpenDatabase): Promise<ReadonlyMap<string, KnownDelivery>> {
  const deliveries = new Map<string, KnownDelivery>();
  let after = FIRST_ID;
  for (;;) {
    const { rows } = await pool.query<DeliveryRow>(
      `select id, status, reason, attempt_count, repeated_attempts, log_sequences
       from deliveries where id > $1 order by id limit ${PAGE_ROWS}`,
      [after],
    );
    for (const row of rows) deliveries.set(row.id, knownDelivery(row));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return deliveries;
    after = last.id;
  }
}

function knownDelivery(row: DeliveryRow): KnownDelivery {
  const { id, status, reason } = row;
  return {
    recorded: {
      id,
      status,
      reason,
      attemptCount: row.attempt_count,
      repeatedAttempts: row.repeated_attempts,
    },
    sequences: row.log_sequences,
    attempts: [],
  };
}

/** Adds the outcomes of the archive to the deliveries. @returns by delivery: attempts that are marked. */
async function readOutcomes(
  { pool }: OpenDatabase,
  deliveries: ReadonlyMap<string, KnownDelivery>,
): Promise<ReadonlyMap<string, number>> {
  const marked = new Map<string, number>();
  let [partition, epochMs, sequence] = [-1, 0, 0];
  for (;;) {
    const { rows } = await pool.query<{ partition: number; epoch_ms: number; sequence: number; bytes: Buffer }>(
      `select partition, epoch_ms, sequence, bytes from delivery_log
       where (partition, epoch_ms, sequence) > ($1, $2, $3)
       order by partition, epoch_ms, sequence limit ${LOG_PAGE_ROWS}`,
      [partition, epochMs, sequence],
    );
    for (const row of rows) {
      for (const event of decoded(row.bytes)) {
        if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") continue;
        const { deliveryId, attempt } = event;
        if (attempt.possibleRepeat) marked.set(deliveryId, (marked.get(deliveryId) ?? 0) + 1);
        const delivery = deliveries.get(deliveryId);
        if (delivery?.sequences.includes(row.sequence)) noteAttempt(delivery, attempt);
      }
    }
    const last = rows.at(-1);
    if (last === undefined) return marked;
    ({ partition, epoch_ms: epochMs, sequence } = last);
  }
}

function decoded(bytes: Buffer): readonly LogEvent[] {
  const events = decodeLogEvents(bytes);
  if (events.kind === "undecodable") throw new Error(events.reason);
  return events.value;
}

function noteAttempt(
  { attempts }: KnownDelivery,
  { number, startedAtMs, durationMs, statusCode }: AttemptRecord,
): void {
  attempts[number] ??= { startedAtMs, durationMs, statusCode: statusCode ?? null };
}

function dense(attempts: readonly RecordedAttempt[]): readonly RecordedAttempt[] {
  return attempts.filter((attempt) => attempt !== undefined);
}

async function readAcceptedTwice({ pool }: OpenDatabase): Promise<readonly string[]> {
  const { rows } = await pool.query<{ caller_id: string }>(
    "select caller_id from events where caller_id is not null group by org_id, caller_id having count(*) > 1",
  );
  return rows.map((row) => row.caller_id);
}
