/** Rows that may be old enough to be forgotten. For tests only. */

import { randomBytes, randomUUID } from "node:crypto";
import { uuidv7 } from "@posthorn/domain";
import type { Pool } from "pg";

export type HistoryChanges = {
  readonly open?: boolean;
  readonly webhookId?: string;
  readonly eventType?: string | null;
  readonly test?: boolean;
};

/** An event with a delivery. */
export async function insertHistoryInto(pool: Pool, acceptedAt: Date, changes: HistoryChanges = {}): Promise<void> {
  const eventId = uuidv7(acceptedAt.getTime(), randomBytes(10));
  const deliveryId = randomUUID();
  const eventType = changes.eventType === undefined ? "agent.status" : changes.eventType;
  await pool.query(
    `insert into events (id, org_id, accepted_at, place_epoch_ms, place_sequence, place_index, type, traceparent)
     values ($1, $1, $2, 1, 1, 0, 'agent.status', 'tp')`,
    [eventId, acceptedAt],
  );
  await pool.query(
    `insert into deliveries (id, partition, org_id, event_id, webhook_id, event_type, accepted_at, created_at, status,
       completed_at, test, attempt_count, release, repeated_attempts, log_epochs, log_sequences)
     values ($1, 3, $2, $2, $3, $4, $5, $5, $6, $7, $8, 1, 0, 0, '{}', '{}')`,
    [
      deliveryId,
      eventId,
      changes.webhookId ?? randomUUID(),
      eventType,
      acceptedAt,
      changes.open === true ? "scheduled" : "delivered",
      changes.open === true ? null : acceptedAt,
      changes.test ?? false,
    ],
  );
}

export async function insertReplayInto(
  pool: Pool,
  state: "running" | "finished",
  createdAt: Date,
  webhookId: string = randomUUID(),
): Promise<void> {
  await pool.query(
    `insert into replays (id, org_id, partition, webhook_id, since, until, statuses, types, started_by, state, done,
       skipped, cursor, created_at) values ($1, $1, 3, $2, $3, $3, '{}', '{}', 'root', $4, 0, 0, '', $3)`,
    [randomUUID(), webhookId, createdAt, state],
  );
}
