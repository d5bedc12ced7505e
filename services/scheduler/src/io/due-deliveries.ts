/** Rows of `retry_due`: retries by their time, claims, and what becomes of them. */

import type { OpenDatabase } from "@posthorn/database";
import type { WebhookId } from "@posthorn/domain";
import type { WaitingDelivery } from "../core/release.ts";
import { columnsOf, type RowVersion, WAITING_COLUMNS, type WaitingRow, waitingFromRow } from "./delivery-rows.ts";

type Pool = OpenDatabase["pool"];

export type DueDeliveries = {
  /** Those of the partitions that have a retry due and unclaimed. */
  partitionsDue(partitions: readonly number[], nowMs: number): Promise<readonly number[]>;
  /**
   * Claims the oldest due retries of a partition; what others hold is passed over.
   * @param except the retries of these webhooks are left alone, as far as they are not many.
   */
  claimDue(
    partition: number,
    nowMs: number,
    claimedUntilMs: number,
    except: readonly WebhookId[],
  ): Promise<readonly WaitingDelivery[]>;
} & ClaimedRows;

export type ClaimedRows = {
  /** Deletes what has been released, unless the projection has moved on meanwhile. */
  forget(released: readonly RowVersion[]): Promise<void>;
  /** Keeps rows claimed for longer, unless the projection has moved on meanwhile. */
  holdClaim(rows: readonly RowVersion[], claimedUntilMs: number): Promise<void>;
};

/** Rows that one claim of lanes takes, and work items that are published at once. */
export const CLAIM_ROWS_MAX = 500;
/** The same of retries by their time. Small: first attempts wait while it is claimed, published and forgotten. */
export const DUE_ROWS_MAX = 128;

/** Webhooks that a claim can leave out; the retries of others are parked first. */
const EXCEPTIONS_MAX = 1_000;

/** No claim lasts longer: one that does was made by a clock that was ahead, and holds nothing up. */
export const CLAIM_MINUTES_MAX = 10;
/** `$1`: now. */
export const UNCLAIMED = `(claimed_until is null or claimed_until < $1
  or claimed_until > $1::timestamptz + interval '${CLAIM_MINUTES_MAX} minutes')`;

/** The claim is made of what nobody holds; the old claim comes back with the row. `$1`: now, `$2`: until when. */
export function claimSql(selection: string): string {
  return `
    with claimed as (${selection})
    update retry_due r set claimed_until = $2
    from claimed left join webhook_health h on h.webhook_id = claimed.webhook_id
    where r.delivery_id = claimed.delivery_id
    returning ${WAITING_COLUMNS}, claimed.claimed_until`;
}

export const CLAIM_DUE = claimSql(`
  select delivery_id, webhook_id, claimed_until from retry_due
  where partition = $3 and kind = 'retry' and due_at <= $1 and ${UNCLAIMED}
    and webhook_id <> all($4::uuid[])
  order by due_at limit ${DUE_ROWS_MAX}
  for update skip locked`);
const PARTITIONS_DUE = `
  select partition from unnest($2::smallint[]) as looked_at (partition)
  where exists (select from retry_due r
    where r.partition = looked_at.partition and kind = 'retry' and due_at <= $1 and ${UNCLAIMED})`;
/** Rows that still stand as they were claimed. */
const AS_CLAIMED = `unnest($1::uuid[], $2::int[], $3::int[]) as given (delivery_id, attempt, release)
  where r.delivery_id = given.delivery_id and r.attempt = given.attempt and r.release = given.release`;
const FORGET = `delete from retry_due r using ${AS_CLAIMED}`;
const HOLD_CLAIM = `update retry_due r set claimed_until = $4 from ${AS_CLAIMED}`;

export function openDueDeliveries(pool: Pool): DueDeliveries {
  return {
    partitionsDue: async (partitions, nowMs) => {
      const { rows } = await pool.query<{ partition: number }>(PARTITIONS_DUE, [new Date(nowMs), partitions]);
      return rows.map((row) => row.partition);
    },
    claimDue: async (partition, nowMs, untilMs, except) => {
      const given = [new Date(nowMs), new Date(untilMs), partition, except.slice(0, EXCEPTIONS_MAX)];
      const { rows } = await pool.query<WaitingRow>(CLAIM_DUE, given);
      return rows.map(waitingFromRow).sort((a, b) => a.dueAtMs - b.dueAtMs);
    },
    forget: async (released) => {
      await pool.query(FORGET, columnsOf(released));
    },
    holdClaim: async (rows, untilMs) => {
      await pool.query(HOLD_CLAIM, [...columnsOf(rows), new Date(untilMs)]);
    },
  };
}
