/** What is parked, webhook by webhook: found without reading every row, claimed in the order of acceptance. */

import type { OpenDatabase } from "@posthorn/database";
import type { WebhookId } from "@posthorn/domain";
import type { Lane } from "../core/lane-mode.ts";
import type { ProbeSent } from "../core/probe-plan.ts";
import type { WaitingDelivery } from "../core/release.ts";
import { ids, type WaitingRow, waitingFromRow } from "./delivery-rows.ts";
import { claimSql, UNCLAIMED } from "./due-deliveries.ts";

/** So many of the oldest parked rows of a webhook. */
export type WantedRows = {
  readonly partition: number;
  readonly webhookId: WebhookId;
  readonly rowsMax: number;
  /** Only what was accepted before this moment; undefined: all. */
  readonly acceptedBeforeMs: number | undefined;
  /** Only what was accepted then or later; undefined: all. */
  readonly acceptedFromMs: number | undefined;
};

export type LaneRows = {
  /** The webhooks of the partitions for which something is parked, with their circuits. */
  findLanes(partitions: readonly number[]): Promise<readonly Lane[]>;
  claimParked(
    wanted: readonly WantedRows[],
    nowMs: number,
    claimedUntilMs: number,
  ): Promise<readonly WaitingDelivery[]>;
  /** Has a probe an outcome, or was it deferred since? */
  isSettled(probe: ProbeSent): Promise<boolean>;
};

const FIRST_OF_WEBHOOK = `
  select r.webhook_id, r.org_id, r.accepted_at from retry_due r
  where r.kind = 'parked' and r.partition = looked_at.partition`;
const IN_ORDER = "place_epoch_ms, place_sequence, place_index";

/** Jumps from webhook to webhook in the index: what one has parked costs the look nothing, however much it is. */
export const FIND_LANES = `
  with recursive lane as (
    select looked_at.partition, first.*
    from unnest($1::smallint[]) as looked_at (partition)
    cross join lateral (${FIRST_OF_WEBHOOK} order by webhook_id, ${IN_ORDER} limit 1) first
    union all
    select looked_at.partition, next.*
    from lane looked_at
    cross join lateral (
      ${FIRST_OF_WEBHOOK} and r.webhook_id > looked_at.webhook_id order by webhook_id, ${IN_ORDER} limit 1) next)
  select lane.*, h.circuit, h.circuit_generation, h.circuit_changed_at, h.congested_count
  from lane left join webhook_health h using (webhook_id)`;

/** What cannot be signed has a time of its own; everything else that is parked waits for its webhook only. */
export const CLAIM_PARKED = claimSql(`
  select oldest.* from unnest($3::smallint[], $4::uuid[], $5::int[], $6::timestamptz[], $7::timestamptz[])
    as wanted (partition, webhook_id, rows_max, accepted_before, accepted_from)
  cross join lateral (
    select delivery_id, webhook_id, claimed_until from retry_due r
    where r.kind = 'parked' and r.partition = wanted.partition and r.webhook_id = wanted.webhook_id
      and ${UNCLAIMED} and (r.reason is distinct from 'unsignable' or r.due_at <= $1)
      and (wanted.accepted_before is null or r.accepted_at < wanted.accepted_before)
      and (wanted.accepted_from is null or r.accepted_at >= wanted.accepted_from)
    order by ${IN_ORDER} limit wanted.rows_max
    for update skip locked) oldest`);

const IS_SETTLED = `
  select completed_at is not null or attempt_count >= $2 or release > $3 as settled from deliveries where id = $1`;

type LaneRow = {
  readonly partition: number;
  readonly webhook_id: string;
  readonly org_id: string;
  readonly accepted_at: Date;
  readonly circuit: "closed" | "open" | null;
  readonly circuit_generation: number | null;
  readonly circuit_changed_at: Date | null;
  readonly congested_count: number | null;
};

export function openLaneRows(pool: OpenDatabase["pool"]): LaneRows {
  return {
    findLanes: async (partitions) => {
      const { rows } = await pool.query<LaneRow>(FIND_LANES, [partitions]);
      return rows.map(laneFromRow);
    },
    claimParked: async (wanted, nowMs, untilMs) => {
      const { rows } = await pool.query<WaitingRow>(CLAIM_PARKED, [
        new Date(nowMs),
        new Date(untilMs),
        wanted.map(({ partition }) => partition),
        wanted.map(({ webhookId }) => webhookId),
        wanted.map(({ rowsMax }) => rowsMax),
        wanted.map(({ acceptedBeforeMs }) => timeOrNull(acceptedBeforeMs)),
        wanted.map(({ acceptedFromMs }) => timeOrNull(acceptedFromMs)),
      ]);
      return rows.map(waitingFromRow).sort(byPlace);
    },
    isSettled: async ({ deliveryId, attempt, release }) => {
      const { rows } = await pool.query<{ settled: boolean }>(IS_SETTLED, [deliveryId, attempt, release]);
      return rows[0]?.settled === true;
    },
  };
}

function timeOrNull(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}

function laneFromRow(row: LaneRow): Lane {
  return {
    partition: row.partition,
    orgId: ids.org(row.org_id),
    webhookId: ids.webhook(row.webhook_id),
    oldestAcceptedAtMs: row.accepted_at.getTime(),
    circuit: {
      kind: row.circuit ?? "closed",
      generation: row.circuit_generation ?? 0,
      changedAtMs: row.circuit_changed_at?.getTime(),
    },
    congestedCount: row.congested_count ?? 0,
  };
}

function byPlace({ place: a }: WaitingDelivery, { place: b }: WaitingDelivery): number {
  return a.epochMs - b.epochMs || a.sequence - b.sequence || a.index - b.index;
}
