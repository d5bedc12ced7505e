/**
 * Events whose data nobody may see or send any more. Whoever shows data asks here first, every time: a deletion counts
 * for every replica from the moment at which it is saved.
 */

import type { Database } from "@posthorn/database";
import { type EventId, type OrgId, parseEventId } from "@posthorn/domain";
import type { Kysely, Transaction } from "kysely";
import { FIRST_VERSION, recordChange } from "./record-change.ts";
import { stored } from "./stored.ts";

export type PayloadDeletions = {
  /** Those whose data is deleted. */
  among(org: OrgId, events: readonly EventId[]): Promise<ReadonlySet<EventId>>;
};

export function openPayloadDeletions(db: Kysely<Database>): PayloadDeletions {
  return {
    among: async (org, events) => {
      if (events.length === 0) return new Set();
      const rows = await db
        .selectFrom("payload_deletions")
        .select("event_id")
        .where("event_id", "in", events)
        .where("org_id", "=", org)
        .execute();
      return new Set(rows.map((row) => stored(parseEventId(row.event_id), "payload_deletions.event_id")));
    },
  };
}

/** False when the data was deleted before. Dispatchers learn of it by the configuration bucket. */
export async function insertPayloadDeletion(
  transaction: Transaction<Database>,
  org: OrgId,
  event: EventId,
  nowMs: number,
): Promise<boolean> {
  const inserted = await transaction
    .insertInto("payload_deletions")
    .values({ event_id: event, org_id: org, created_at: new Date(nowMs), deleted_at: null, version: FIRST_VERSION })
    .onConflict((conflict) => conflict.column("event_id").doNothing())
    .returning("event_id")
    .executeTakeFirst();
  if (inserted === undefined) return false;
  await recordChange(transaction, { kind: "payload-deletion", orgId: org, id: event }, FIRST_VERSION, nowMs);
  return true;
}
