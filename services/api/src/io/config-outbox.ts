/**
 * Brings committed changes into the configuration bucket, in every replica all the time. A row of the outbox says only
 * that something changed: what goes into the bucket is the newest version, so that any replica may write it, in any
 * order and more than once. A row is removed after the bucket's ack; a crash before that leaves it to another replica.
 */

import type { Database } from "@posthorn/database";
import { type Kysely, sql } from "kysely";
import type { BucketEntry, ConfigEntries, ConfigKind } from "./config-entries.ts";
import { CONFIG_KINDS } from "./config-entries.ts";
import type { WriteEntries } from "./write-entries.ts";

export interface ConfigOutbox extends AsyncDisposable {
  /** Whether changes came through when last tried. */
  readonly isFlowing: boolean;
  /**
   * Resolves to true once everything that was committed before the call is in the bucket, to false after a bounded
   * wait. Callers of one moment share the work.
   */
  settled(): Promise<boolean>;
}

export type ConfigOutboxPorts = {
  readonly db: Kysely<Database>;
  readonly entries: Pick<ConfigEntries, "read">;
  readonly writeEntries: WriteEntries;
  /** Told how many changes have come into the bucket. */
  readonly onApplied: (count: number) => void;
  readonly onTrouble: (reason: string) => void;
};

/** How long the answer to a change waits for the bucket. */
const SETTLE_MS_MAX = 3_000;
/** How long a change waits whose api died before it could bring it into the bucket. */
const DRAIN_EVERY_MS = 1_000;
const DRAIN_ROWS_MAX = 500;

export function openConfigOutbox(ports: ConfigOutboxPorts): ConfigOutbox {
  let isFlowing = true;
  let current: Promise<boolean> = Promise.resolve(true);
  /** The round that callers of this moment share: it has not looked at the outbox yet. */
  let next: Promise<boolean> | undefined;

  async function round(): Promise<boolean> {
    try {
      await drain(ports);
      isFlowing = true;
    } catch (error) {
      isFlowing = false;
      ports.onTrouble(error instanceof Error ? error.message : String(error));
    }
    return isFlowing;
  }

  function drained(): Promise<boolean> {
    next ??= current.then(() => {
      next = undefined;
      current = round();
      return current;
    });
    return next;
  }

  const timer = setInterval(() => void drained(), DRAIN_EVERY_MS);
  return {
    get isFlowing() {
      return isFlowing;
    },
    settled: async () => {
      const isSettled = await withinBound(drained());
      // A round that hangs has not failed yet, but nothing comes through until it does.
      if (!isSettled) isFlowing = false;
      return isSettled;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await withinBound(current);
    },
  };
}

async function withinBound(work: Promise<boolean>): Promise<boolean> {
  const { promise: bound, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), SETTLE_MS_MAX);
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}

type Pending = { readonly kind: string; readonly entity_id: string };

/** Until nothing is left of what is there now. Throws when something could not be written. */
async function drain(ports: ConfigOutboxPorts): Promise<void> {
  for (;;) {
    const pending = await pendingChanges(ports.db);
    if (pending.length === 0) return;
    const entries = await currentEntries(ports.entries, pending);
    const { written, failure } = await ports.writeEntries(entries);
    await removeApplied(ports.db, written);
    ports.onApplied(written.length);
    if (failure !== undefined) throw new Error(failure);
    if (pending.length < DRAIN_ROWS_MAX) return;
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
