/** Reads what Posthorn itself says of every delivery of a run: its state, its attempts, and what it calls repeats. */

import { decodeLogEvents } from "@posthorn/contracts";
import type { OpenDatabase } from "@posthorn/database";

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
  /** By their number. */
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
const LOG_PAGE_ROWS = 2_000;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export async function readHistory(database: OpenDatabase): Promise<History> {
  return {
    deliveries: await readDeliveries(database),
    marked: await readMarks(database),
    acceptedTwice: await readAcceptedTwice(database),
  };
}

type DeliveryRow = {
  id: string;
  status: string;
  reason: string | null;
  attempt_count: number;
  repeated_attempts: number;
  started_at_ms: number[] | null;
  duration_ms: number[] | null;
  status_codes: (number | null)[] | null;
};

async function readDeliveries({ pool }: OpenDatabase): Promise<Map<string, RecordedDelivery>> {
  const deliveries = new Map<string, RecordedDelivery>();
  let after = FIRST_ID;
  for (;;) {
    const { rows } = await pool.query<DeliveryRow>(
      `with page as (select * from deliveries where id > $1 order by id limit ${PAGE_ROWS})
       select page.id, status, reason, attempt_count, repeated_attempts, made.* from page left join lateral (
         select array_agg((extract(epoch from started_at) * 1000)::float8 order by number) as started_at_ms,
           array_agg(duration_ms order by number) as duration_ms,
           array_agg(status_code order by number) as status_codes
         from attempts where delivery_id = page.id) as made on true
       order by page.id`,
      [after],
    );
    for (const row of rows) deliveries.set(row.id, deliveryOf(row));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return deliveries;
    after = last.id;
  }
}

function deliveryOf(row: DeliveryRow): RecordedDelivery {
  const attempts = (row.started_at_ms ?? []).map((startedAtMs, index) => ({
    startedAtMs,
    durationMs: row.duration_ms?.[index] ?? 0,
    statusCode: row.status_codes?.[index] ?? null,
  }));
  return {
    id: row.id,
    status: row.status,
    reason: row.reason,
    attemptCount: row.attempt_count,
    repeatedAttempts: row.repeated_attempts,
    attempts,
  };
}

async function readMarks({ pool }: OpenDatabase): Promise<Map<string, number>> {
  const marked = new Map<string, number>();
  let [partition, epochMs, sequence] = [-1, 0, 0];
  for (;;) {
    const { rows } = await pool.query<{ partition: number; epoch_ms: number; sequence: number; bytes: Buffer }>(
      `select partition, epoch_ms, sequence, bytes from delivery_log
       where (partition, epoch_ms, sequence) > ($1, $2, $3)
       order by partition, epoch_ms, sequence limit ${LOG_PAGE_ROWS}`,
      [partition, epochMs, sequence],
    );
    for (const { bytes } of rows) noteMarks(marked, bytes);
    const last = rows.at(-1);
    if (last === undefined) return marked;
    ({ partition, epoch_ms: epochMs, sequence } = last);
  }
}

function noteMarks(marked: Map<string, number>, bytes: Buffer): void {
  const decoded = decodeLogEvents(bytes);
  if (decoded.kind === "undecodable") throw new Error(decoded.reason);
  for (const event of decoded.value) {
    if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") continue;
    if (event.attempt.possibleRepeat) marked.set(event.deliveryId, (marked.get(event.deliveryId) ?? 0) + 1);
  }
}

async function readAcceptedTwice({ pool }: OpenDatabase): Promise<readonly string[]> {
  const { rows } = await pool.query<{ caller_id: string }>(
    "select caller_id from events where caller_id is not null group by org_id, caller_id having count(*) > 1",
  );
  return rows.map((row) => row.caller_id);
}
