/** Deliveries that have not ended and wait for nothing that the scheduler knows of: candidates of the reconciler. */

import type { OpenDatabase } from "@posthorn/database";
import type { WorkItem } from "@posthorn/domain";
import { type IdentityRow, identityFromRow } from "./delivery-rows.ts";

/** An open delivery with the work item that would carry it on. */
export type Candidate = { readonly item: Omit<WorkItem, "configRevision" | "possibleRepeat" | "event"> };

/** Candidates of one partition that one round looks at. */
export const CANDIDATES_MAX = 1_000;

/** What was parked and has no row has been released, however far off its time was. */
const CANDIDATES = `
  select d.id as delivery_id, d.org_id, d.event_id, d.webhook_id, d.event_type, d.accepted_at, d.profile,
    d.place_epoch_ms, d.place_sequence, d.place_index, d.traceparent, d.attempt_count, d.release
  from deliveries d
  where d.partition = $1 and d.completed_at is null and d.created_at < $2
    and (d.status = 'parked' or coalesce(d.next_attempt_at, d.created_at) < $2)
    and d.event_type is not null and not d.test
    and not exists (select from retry_due r where r.delivery_id = d.id)
  order by d.created_at limit ${CANDIDATES_MAX}`;

type Row = IdentityRow & { readonly attempt_count: number; readonly release: number };

/** @param quietSinceMs only what was to move before this moment. */
export async function findCandidates(
  pool: OpenDatabase["pool"],
  partition: number,
  quietSinceMs: number,
): Promise<readonly Candidate[]> {
  const { rows } = await pool.query<Row>(CANDIDATES, [partition, new Date(quietSinceMs)]);
  return rows.map((row) => ({
    item: { ...identityFromRow(row), attempt: row.attempt_count + 1, release: row.release },
  }));
}
