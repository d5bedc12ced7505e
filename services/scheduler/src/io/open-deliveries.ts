/** Deliveries that have not ended and wait for nothing that the scheduler knows of: candidates of the reconciler. */

import type { OpenDatabase } from "@posthorn/database";
import type { DeliveryId, WorkItem } from "@posthorn/domain";
import type { CircuitSeen, WorkFacts } from "../core/release.ts";
import { type IdentityRow, identityFromRow } from "./delivery-rows.ts";

/** An open delivery with the work item that would carry it on. */
export type Candidate = {
  readonly item: WorkFacts & Pick<WorkItem, "attempt" | "release">;
  readonly circuit: CircuitSeen;
};

/** Behind which delivery the next page begins. */
export type CandidateCursor = { readonly createdAt: Date; readonly deliveryId: string };

export type CandidatePage = {
  readonly candidates: readonly Candidate[];
  /** Undefined: this was the last page. */
  readonly next: CandidateCursor | undefined;
};

export const CANDIDATES_MAX = 1_000;

/** What was parked and has no row has been released, however far off its time was. */
const CANDIDATES = `
  select d.id as delivery_id, d.org_id, d.event_id, d.webhook_id, d.event_type, d.accepted_at, d.profile,
    d.place_epoch_ms, d.place_sequence, d.place_index, d.traceparent, coalesce(d.replay_of, d.id) as message_id,
    coalesce(d.event_type_prefix, '') as event_type_prefix, d.is_only, false as may_have_been_sent, d.attempt_count, d.release, d.created_at,
    h.circuit, h.circuit_generation
  from deliveries d left join webhook_health h on h.webhook_id = d.webhook_id
  where d.partition = $1 and d.completed_at is null and d.created_at < $2
    and (d.status = 'parked' or coalesce(d.next_attempt_at, d.created_at) < $2)
    and d.event_type is not null and not d.test
    and not exists (select from retry_due r where r.delivery_id = d.id)
    and (d.created_at, d.id) > ($3::timestamptz, $4::uuid)
    and ($5::uuid[] is null or d.id = any($5))
  order by d.created_at, d.id limit ${CANDIDATES_MAX}`;

const BEFORE_ALL: CandidateCursor = { createdAt: new Date(0), deliveryId: "00000000-0000-0000-0000-000000000000" };

type Row = IdentityRow & {
  readonly attempt_count: number;
  readonly release: number;
  readonly created_at: Date;
  readonly circuit: "closed" | "open" | null;
  readonly circuit_generation: number | null;
};

/**
 * @param quietSinceMs only what was to move before this moment.
 * @param among only these, when not all.
 */
export async function findCandidates(
  pool: OpenDatabase["pool"],
  partition: number,
  quietSinceMs: number,
  behind: CandidateCursor = BEFORE_ALL,
  among?: readonly DeliveryId[],
): Promise<CandidatePage> {
  const { createdAt, deliveryId } = behind;
  const given = [partition, new Date(quietSinceMs), createdAt, deliveryId, among ?? null];
  const { rows } = await pool.query<Row>(CANDIDATES, given);
  const last = rows.length < CANDIDATES_MAX ? undefined : rows.at(-1);
  return {
    candidates: rows.map(candidateFromRow),
    next: last === undefined ? undefined : { createdAt: last.created_at, deliveryId: last.delivery_id },
  };
}

function candidateFromRow(row: Row): Candidate {
  return {
    item: { ...identityFromRow(row), attempt: row.attempt_count + 1, release: row.release },
    circuit: { kind: row.circuit ?? "closed", generation: row.circuit_generation ?? 0 },
  };
}
