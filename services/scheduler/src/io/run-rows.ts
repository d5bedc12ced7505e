/** Rows of ordered webhooks: heads, claims for a run, and what has become of a run that is under way. */

import type { OpenDatabase } from "@posthorn/database";
import type { WebhookId } from "@posthorn/domain";
import type { RunRow } from "../core/run-plan.ts";
import { columnsOf, type RowVersion, WAITING_COLUMNS, type WaitingRow, waitingFromRow } from "./delivery-rows.ts";
import { CLAIM_MINUTES_MAX } from "./due-deliveries.ts";

export type RunStanding = {
  /** Rows that still stand as they were released. */
  readonly unchanged: number;
  /** Rows that wait again: their delivery failed, or came after one that did. */
  readonly waitAgain: number;
};

export type RunRows = {
  /** The first rows of a webhook in the order of acceptance: retries whenever they are due, and what is parked. */
  readHead(partition: number, webhookId: WebhookId, rowsMax: number, nowMs: number): Promise<readonly RunRow[]>;
  /** Claims the rows, all or none. False: one of them is claimed, or does not stand any more as it was read. */
  claim(rows: readonly RowVersion[], nowMs: number, claimedUntilMs: number): Promise<boolean>;
  standingOf(parts: readonly RowVersion[]): Promise<RunStanding>;
};

function headOf(kind: "retry" | "parked"): string {
  return `
    (select * from retry_due where kind = '${kind}' and partition = $1 and webhook_id = $2
     order by place_epoch_ms, place_sequence, place_index limit $3)`;
}

const READ_HEAD = `
  select ${WAITING_COLUMNS}, r.claimed_until, r.reason from (${headOf("retry")} union all ${headOf("parked")}) r
  left join webhook_health h on h.webhook_id = r.webhook_id`;
const GIVEN = "unnest($1::uuid[], $2::int[], $3::int[]) as given (delivery_id, attempt, release)";
const AS_GIVEN = "r.delivery_id = given.delivery_id and r.attempt = given.attempt and r.release = given.release";
/** Whoever parks retries that are due may have claimed one since; nobody else claims what is parked. */
const CLAIM = `
  with free as (
    select r.delivery_id from retry_due r join ${GIVEN} on ${AS_GIVEN}
    where r.kind = 'parked' or r.claimed_until is null or r.claimed_until < $5
      or r.claimed_until > $5::timestamptz + interval '${CLAIM_MINUTES_MAX} minutes'
    order by r.delivery_id for update of r)
  update retry_due r set claimed_until = $4 from free
  where r.delivery_id = free.delivery_id and (select count(*) from free) = cardinality($1::uuid[])`;
const STANDING = `
  select count(*) filter (where ${AS_GIVEN})::int as unchanged,
    count(*) filter (where not (${AS_GIVEN}))::int as wait_again
  from ${GIVEN} join retry_due r using (delivery_id)`;

export function openRunRows(pool: OpenDatabase["pool"]): RunRows {
  return {
    readHead: async (partition, webhookId, rowsMax, nowMs) => {
      const { rows } = await pool.query<WaitingRow & { reason: string | null }>(READ_HEAD, [
        partition,
        webhookId,
        rowsMax,
      ]);
      return rows.map((row) => runRowFrom(row, nowMs));
    },
    claim: async (rows, nowMs, untilMs) => {
      const { rowCount } = await pool.query(CLAIM, [...columnsOf(rows), new Date(untilMs), new Date(nowMs)]);
      return rowCount === rows.length;
    },
    standingOf: async (parts) => {
      const { rows } = await pool.query<{ unchanged: number; wait_again: number }>(STANDING, columnsOf(parts));
      return { unchanged: rows[0]?.unchanged ?? 0, waitAgain: rows[0]?.wait_again ?? 0 };
    },
  };
}

function isRunning(claimedUntilMs: number, nowMs: number): boolean {
  return claimedUntilMs >= nowMs && claimedUntilMs <= nowMs + CLAIM_MINUTES_MAX * 60_000;
}

function runRowFrom(row: WaitingRow & { readonly reason: string | null }, nowMs: number): RunRow {
  const hasItsTime = row.kind === "retry" || row.reason === "unsignable";
  return {
    waiting: waitingFromRow(row),
    isClaimed: row.claimed_until !== null && isRunning(row.claimed_until.getTime(), nowMs),
    waitsUntilMs: hasItsTime ? row.due_at.getTime() : undefined,
  };
}
