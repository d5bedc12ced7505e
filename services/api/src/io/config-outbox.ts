/**
 * Brings committed changes into the configuration bucket, in every replica all the time. A row of the outbox says only
 * that something changed: what goes into the bucket is the newest version, so that any replica may write it, in any
 * order and more than once. A row is removed after the bucket's ack; a crash before that leaves it to another replica.
 * A change to what was restored from an older backup overtakes the newer version that the bucket still holds.
 */

import type { Database } from "@posthorn/database";
import { crashPoint } from "@posthorn/service-runtime";
import { type Kysely, sql } from "kysely";
import { CONFIG_KINDS, type ConfigEntries, type ConfigKind } from "./config-entries.ts";
import type { BucketEntry } from "./config-rows.ts";
import { type Outbox, openOutbox } from "./outbox.ts";
import { overtakeBucket } from "./overtake-bucket.ts";
import type { WriteEntries } from "./write-entries.ts";

export type ConfigOutboxPorts = {
  readonly db: Kysely<Database>;
  readonly entries: Pick<ConfigEntries, "read">;
  readonly writeEntries: WriteEntries;
  readonly nowMs: () => number;
  /** Told how many changes have come into the bucket. */
  readonly onApplied: (count: number) => void;
  readonly onTrouble: (reason: string) => void;
};

const DRAIN_ROWS_MAX = 500;

export function openConfigOutbox(ports: ConfigOutboxPorts): Outbox {
  return openOutbox({ drain: () => drain(ports), onTrouble: ports.onTrouble });
}

type Pending = { readonly kind: string; readonly entity_id: string };

/** Until nothing is left of what is there now. Throws when something could not be written. */
async function drain(ports: ConfigOutboxPorts): Promise<void> {
  for (;;) {
    const pending = await pendingChanges(ports.db);
    if (pending.length === 0) return;
    crashPoint("api.committed");
    const entries = await currentEntries(ports.entries, pending);
    const { written, outdated, failure } = await ports.writeEntries(entries);
    for (const entry of outdated) await overtakeBucket(ports.db, entry, ports.nowMs());
    crashPoint("api.written");
    await removeApplied(ports.db, written);
    ports.onApplied(written.length);
    if (failure !== undefined) throw new Error(failure);
    if (pending.length < DRAIN_ROWS_MAX && outdated.length === 0) return;
  }
}

/** The oldest ones; several changes of one row are one. */
async function pendingChanges(db: Kysely<Database>): Promise<readonly Pending[]> {
  return db
    .selectFrom("config_outbox")
    .select(["kind", "entity_id"])
    .groupBy(["kind", "entity_id"])
    .orderBy((row) => row.fn.min("id"))
    .limit(DRAIN_ROWS_MAX)
    .execute();
}

async function currentEntries(
  entries: Pick<ConfigEntries, "read">,
  pending: readonly Pending[],
): Promise<readonly BucketEntry[]> {
  const read = (kind: ConfigKind) => {
    const ids = pending.filter((change) => change.kind === kind).map((change) => change.entity_id);
    return ids.length === 0 ? [] : entries.read(kind, ids);
  };
  return (await Promise.all(CONFIG_KINDS.map(read))).flat();
}

/** A change that was committed meanwhile has a higher version and stays. */
async function removeApplied(db: Kysely<Database>, applied: readonly BucketEntry[]): Promise<void> {
  if (applied.length === 0) return;
  await sql`
    delete from config_outbox
    using unnest(
      ${applied.map(({ key }) => key.id)}::uuid[],
      ${applied.map(({ value }) => value.version)}::bigint[]
    ) as applied (entity_id, version)
    where config_outbox.entity_id = applied.entity_id and config_outbox.version <= applied.version`.execute(db);
}
