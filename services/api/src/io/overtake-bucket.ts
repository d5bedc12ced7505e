/**
 * Versions of rows, where the bucket is ahead of Postgres: that is so after Postgres was restored from a backup that is
 * older than the bucket, and never otherwise. Without this a change would get a version that the bucket takes for old,
 * and would be answered without ever being in effect.
 */

import type { Database } from "@posthorn/database";
import type { ConfigKey } from "@posthorn/message-bus";
import { type Kysely, sql, type Transaction } from "kysely";
import { recordChange } from "./record-change.ts";
import type { OutdatedEntry } from "./write-entries.ts";

type Table = "organisations" | "api_keys" | "event_types" | "payload_deletions" | "webhooks";

const TABLE_OF: Readonly<Record<ConfigKey["kind"], Table>> = {
  organisation: "organisations",
  "api-key": "api_keys",
  "event-type": "event_types",
  "payload-deletion": "payload_deletions",
  webhook: "webhooks",
};

/** Gives the row a version above the bucket's and has it written again; one that has come that far itself is left. */
export async function overtakeBucket(
  db: Kysely<Database>,
  { key, heldVersion }: OutdatedEntry,
  nowMs: number,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const version = heldVersion + 1;
    if (await raise(transaction, key, { version: sql.lit(version) }, heldVersion)) {
      await recordChange(transaction, key, version, nowMs);
    }
  });
}

/** What was deleted or revoked, and is there again in an older backup, is deleted again. False: there is no such row. */
export async function deleteAgain(
  db: Kysely<Database>,
  { key, heldVersion }: OutdatedEntry,
  nowMs: number,
): Promise<boolean> {
  if (key.kind === "organisation") return false;
  const column = key.kind === "api-key" ? "revoked_at" : "deleted_at";
  const columns = { version: sql.lit(heldVersion), [column]: sql`${new Date(nowMs)}` };
  return db.transaction().execute((transaction) => raise(transaction, key, columns, heldVersion));
}

type Columns = Readonly<Record<string, ReturnType<typeof sql>>>;

async function raise(
  transaction: Transaction<Database>,
  key: ConfigKey,
  columns: Columns,
  heldVersion: number,
): Promise<boolean> {
  const id = sql.ref(key.kind === "payload-deletion" ? "event_id" : "id");
  const set = sql.join(Object.entries(columns).map(([column, value]) => sql`${sql.ref(column)} = ${value}`));
  const { numAffectedRows } = await sql`
    update ${sql.table(TABLE_OF[key.kind])} set ${set} where ${id} = ${key.id} and version < ${heldVersion}
  `.execute(transaction);
  return (numAffectedRows ?? 0n) > 0n;
}
