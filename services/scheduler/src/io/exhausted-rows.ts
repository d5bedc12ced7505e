/** What history knows of deliveries that came to their end without success. */

import type { OpenDatabase } from "@posthorn/database";
import type { DeliveryId } from "@posthorn/domain";
import type { ExhaustedDelivery } from "../core/operational-events.ts";
import { ids } from "./delivery-rows.ts";

export type ReadExhausted = (deliveryIds: readonly DeliveryId[]) => Promise<ReadonlyMap<DeliveryId, ExhaustedDelivery>>;

const EXHAUSTED = `
  select id, event_type, test, attempt_count from deliveries where id = any($1::uuid[]) and event_type is not null`;

type ExhaustedRow = {
  readonly id: string;
  readonly event_type: string;
  readonly test: boolean;
  readonly attempt_count: number;
};

export function exhaustedReader(pool: OpenDatabase["pool"]): ReadExhausted {
  return async (deliveryIds) => {
    const { rows } = await pool.query<ExhaustedRow>(EXHAUSTED, [deliveryIds]);
    return new Map(rows.map((row) => [ids.delivery(row.id), exhaustedFrom(row)] as const));
  };
}

function exhaustedFrom(row: ExhaustedRow): ExhaustedDelivery {
  return {
    deliveryId: ids.delivery(row.id),
    eventType: row.event_type,
    isTest: row.test,
    attemptCount: row.attempt_count,
  };
}
