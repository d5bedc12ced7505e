/** Rows of `retry_due`: found, claimed, and deleted once their work item is safely in the stream. */

import type { OpenDatabase } from "@posthorn/database";
import type { OrgId, WebhookId } from "@posthorn/domain";
import type { WaitingDelivery } from "../core/release.ts";
import { type IdentityRow, identityFromRow, ids } from "./delivery-rows.ts";

type Pool = OpenDatabase["pool"];

export type DueDeliveries = {
  /** Partitions with something due and unclaimed. */
  partitionsDue(nowMs: number): Promise<readonly number[]>;
  /** Claims the oldest due rows of a partition; what others hold is passed over. */
  claimDue(partition: number, nowMs: number, claimedUntilMs: number): Promise<readonly WaitingDelivery[]>;
  /** Webhooks for whose sake something is parked. */
  parkedWebhooks(): Promise<readonly { readonly orgId: OrgId; readonly webhookId: WebhookId }[]>;
  /** Claims the oldest parked rows of webhooks that take deliveries again. */
  claimParked(
    webhookIds: readonly WebhookId[],
    nowMs: number,
    claimedUntilMs: number,
  ): Promise<readonly WaitingDelivery[]>;
  /** Deletes what has been released, unless the projection has moved on meanwhile. */
  forget(released: readonly WaitingDelivery[]): Promise<void>;
  /** Keeps rows claimed for longer, unless the projection has moved on meanwhile. */
  holdClaim(rows: readonly WaitingDelivery[], claimedUntilMs: number): Promise<void>;
};

/** Rows that one claim takes, and work items that are published at once. */
export const CLAIM_ROWS_MAX = 500;

const COLUMNS = `r.delivery_id, r.org_id, r.event_id, r.webhook_id, r.event_type, r.accepted_at, r.attempt, r.release,
  r.profile, r.place_epoch_ms, r.place_sequence, r.place_index, r.traceparent, r.due_at, claimed.claimed_until`;

/** The claim is made of what nobody holds; the old claim comes back with the row. */
function claimSql(condition: string): string {
  return `
    with claimed as (
      select delivery_id, claimed_until from retry_due
      where ${condition} and (claimed_until is null or claimed_until < $1)
      order by due_at limit ${CLAIM_ROWS_MAX}
      for update skip locked)
    update retry_due r set claimed_until = $2 from claimed
    where r.delivery_id = claimed.delivery_id
    returning ${COLUMNS}`;
}

const CLAIM_DUE = claimSql("partition = $3 and due_at <= $1");
const CLAIM_PARKED = claimSql("kind = 'parked' and webhook_id = any($3::uuid[])");
const PARTITIONS_DUE = `
  select distinct partition from retry_due where due_at <= $1 and (claimed_until is null or claimed_until < $1)`;
const PARKED_WEBHOOKS = "select distinct org_id, webhook_id from retry_due where kind = 'parked'";
/** Rows that still stand as they were claimed. */
const AS_CLAIMED = `unnest($1::uuid[], $2::int[], $3::int[]) as given (delivery_id, attempt, release)
  where r.delivery_id = given.delivery_id and r.attempt = given.attempt and r.release = given.release`;
const FORGET = `delete from retry_due r using ${AS_CLAIMED}`;
const HOLD_CLAIM = `update retry_due r set claimed_until = $4 from ${AS_CLAIMED}`;

export function openDueDeliveries(pool: Pool): DueDeliveries {
  async function claim(sql: string, nowMs: number, untilMs: number, which: unknown): Promise<WaitingDelivery[]> {
    const { rows } = await pool.query<Row>(sql, [new Date(nowMs), new Date(untilMs), which]);
    return rows.map(waitingFromRow).sort((a, b) => a.dueAtMs - b.dueAtMs);
  }
  return {
    partitionsDue: async (nowMs) => {
      const { rows } = await pool.query<{ partition: number }>(PARTITIONS_DUE, [new Date(nowMs)]);
      return rows.map((row) => row.partition);
    },
    claimDue: (partition, nowMs, untilMs) => claim(CLAIM_DUE, nowMs, untilMs, partition),
    claimParked: (webhookIds, nowMs, untilMs) => claim(CLAIM_PARKED, nowMs, untilMs, webhookIds),
    parkedWebhooks: async () => {
      const { rows } = await pool.query<{ org_id: string; webhook_id: string }>(PARKED_WEBHOOKS);
      return rows.map((row) => ({ orgId: ids.org(row.org_id), webhookId: ids.webhook(row.webhook_id) }));
    },
    forget: async (released) => {
      await pool.query(FORGET, columnsOf(released));
    },
    holdClaim: async (rows, untilMs) => {
      await pool.query(HOLD_CLAIM, [...columnsOf(rows), new Date(untilMs)]);
    },
  };
}

type Row = IdentityRow & {
  readonly attempt: number;
  readonly release: number;
  readonly due_at: Date;
  readonly claimed_until: Date | null;
};

function waitingFromRow(row: Row): WaitingDelivery {
  return {
    ...identityFromRow(row),
    attempt: row.attempt,
    release: row.release,
    dueAtMs: row.due_at.getTime(),
    wasClaimed: row.claimed_until !== null,
  };
}

function columnsOf(rows: readonly WaitingDelivery[]): unknown[] {
  return [rows.map((row) => row.deliveryId), rows.map((row) => row.attempt), rows.map((row) => row.release)];
}
