/** How far deliveries have come, for the fence. */

import type { Pool } from "@posthorn/database";
import { type DeliveryId, parseDeliveryId } from "@posthorn/domain";
import { uuidArray } from "./binary-arrays.ts";

export type DeliveryProgress = {
  readonly attemptCount: number;
  /** How often it was deferred or retried. */
  readonly release: number;
  readonly isFinal: boolean;
};

/** Deliveries of which nothing is known are absent from the answer. */
export type ReadProgress = (ids: readonly DeliveryId[]) => Promise<ReadonlyMap<DeliveryId, DeliveryProgress>>;

type ProgressRow = { id: string; attempt_count: number; release: number; is_final: boolean };

const PROGRESS = `
  select id, attempt_count, release, completed_at is not null as is_final from deliveries where id = any($1::uuid[])`;

export function progressReader(pool: Pool): ReadProgress {
  return async (ids) => {
    const { rows } = await pool.query<ProgressRow>({
      name: "read-progress",
      text: PROGRESS,
      values: [uuidArray(ids)],
    });
    const progress = new Map<DeliveryId, DeliveryProgress>();
    for (const row of rows) {
      const id = parseDeliveryId(row.id);
      if (id === undefined) continue;
      progress.set(id, { attemptCount: row.attempt_count, release: row.release, isFinal: row.is_final });
    }
    return progress;
  };
}
