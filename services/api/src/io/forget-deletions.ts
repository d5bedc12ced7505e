/**
 * Forgets deletions of payloads that INGEST has forgotten by itself: first the data plane is told that the entry is
 * gone, and once every reader has had time to hear it, row and entry go too.
 */

import type { Database } from "@posthorn/database";
import { type BusConnection, INGEST_AGE_MS_MAX, removeConfigKey } from "@posthorn/message-bus";
import { type Kysely, sql } from "kysely";
import { recordChange } from "./record-change.ts";

export type ForgetDeletionsPorts = {
  readonly db: Kysely<Database>;
  readonly connection: BusConnection;
  readonly nowMs: () => number;
};

/** The event was accepted before its data was deleted, by the clock of another machine. */
const CLOCK_DIFFERENCE_MS_MAX = 3_600_000;
/** A reader that has heard nothing for this long begins anew anyway. */
const TOMBSTONE_MS = 24 * 3_600_000;
const ROWS_MAX = 500;

/** One round; what is left over waits for the next. */
export async function forgetDeletions({ db, connection, nowMs }: ForgetDeletionsPorts): Promise<void> {
  const now = nowMs();
  await entomb(db, now);
  const rows = await db
    .selectFrom("payload_deletions")
    .select(["event_id", "org_id"])
    .where("deleted_at", "<", new Date(now - TOMBSTONE_MS))
    .limit(ROWS_MAX)
    .execute();
  for (const { event_id, org_id } of rows) {
    await removeConfigKey(connection, { kind: "payload-deletion", orgId: org_id, id: event_id });
    await db.deleteFrom("payload_deletions").where("event_id", "=", event_id).execute();
  }
}

/** The outbox writes a tombstone over the entry. */
async function entomb(db: Kysely<Database>, nowMs: number): Promise<void> {
  const before = new Date(nowMs - INGEST_AGE_MS_MAX - CLOCK_DIFFERENCE_MS_MAX);
  await db.transaction().execute(async (transaction) => {
    const old = transaction
      .selectFrom("payload_deletions")
      .select("event_id")
      .where("deleted_at", "is", null)
      .where("created_at", "<", before)
      .limit(ROWS_MAX)
      .forUpdate()
      .skipLocked();
    const rows = await transaction
      .updateTable("payload_deletions")
      .set({ deleted_at: new Date(nowMs), version: sql<number>`version + 1` })
      .where("event_id", "in", old)
      .returning(["event_id", "org_id", "version"])
      .execute();
    for (const { event_id, org_id, version } of rows) {
      await recordChange(transaction, { kind: "payload-deletion", orgId: org_id, id: event_id }, version, nowMs);
    }
  });
}
