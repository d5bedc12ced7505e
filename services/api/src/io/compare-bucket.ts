/**
 * Compares the configuration bucket with Postgres. What the bucket lacks, because NATS lost its newest values, is
 * written again. What it has and Postgres has not, because Postgres was restored from an older backup, is not taken
 * from anybody: deletions are made again here, and of the rest an operator is told.
 */

import type { Database } from "@posthorn/database";
import {
  type BusConnection,
  type ConfigKey,
  ConfigReplica,
  configKeyText,
  type Publisher,
} from "@posthorn/message-bus";
import type { Kysely } from "kysely";
import { CONFIG_KINDS, type ConfigEntries } from "./config-entries.ts";
import type { BucketEntry } from "./config-rows.ts";
import { deleteAgain } from "./overtake-bucket.ts";
import type { WriteEntries } from "./write-entries.ts";

export type BucketComparison = {
  /** Values that the bucket lacked, or held in an older version. */
  readonly mended: number;
  /** Rows that the bucket knows to be deleted. */
  readonly deletedAgain: number;
  /** Keys whose value in the bucket, and in effect, is newer than what Postgres has. */
  readonly newer: readonly string[];
  /** Keys in effect that Postgres does not know. */
  readonly unknown: readonly string[];
};

export type CompareBucketPorts = {
  readonly db: Kysely<Database>;
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly entries: Pick<ConfigEntries, "all">;
  readonly writeEntries: WriteEntries;
  readonly nowMs: () => number;
};

/** Beyond this the bucket is not complete, or NATS is gone: it is compared again later. */
const READ_MS_MAX = 60_000;

type Held = { readonly version: number; readonly isDeleted: boolean };
type HeldValues = Map<string, Held>;

/** The bucket first: what it holds of a sound Postgres was committed there before. */
export async function compareBucket(ports: CompareBucketPorts): Promise<BucketComparison> {
  const held = await readBucket(ports);
  const newer: string[] = [];
  let mended = 0;
  let deletedAgain = 0;
  for (const kind of CONFIG_KINDS) {
    for await (const page of ports.entries.all(kind)) {
      const found = takeOut(held, page);
      const { failure } = await ports.writeEntries(found.lacking);
      if (failure !== undefined) throw new Error(failure);
      mended += found.lacking.length;
      for (const { key, version } of found.deleted) {
        if (await deleteAgain(ports.db, { key, heldVersion: version }, ports.nowMs())) deletedAgain += 1;
      }
      newer.push(...found.newer);
    }
  }
  const unknown = [...held].flatMap(([key, { isDeleted }]) => (isDeleted ? [] : [key]));
  return { mended, deletedAgain, newer, unknown };
}

async function readBucket({ connection, publisher }: CompareBucketPorts): Promise<HeldValues> {
  const held: HeldValues = new Map();
  using replica = new ConfigReplica(connection, publisher, {
    onValue: (key, { version, kind }) => held.set(key, { version, isDeleted: kind === "deleted" }),
    onReset: () => held.clear(),
    onTrouble: () => {},
  });
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("the bucket could not be read in time")), READ_MS_MAX);
  try {
    await Promise.race([replica.barrier(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
  return held;
}

type PageFound = {
  readonly lacking: readonly BucketEntry[];
  readonly deleted: readonly { readonly key: ConfigKey; readonly version: number }[];
  readonly newer: readonly string[];
};

/** What is left in `held` at the end nobody in Postgres knows. */
function takeOut(held: HeldValues, page: readonly BucketEntry[]): PageFound {
  const lacking: BucketEntry[] = [];
  const deleted: { key: ConfigKey; version: number }[] = [];
  const newer: string[] = [];
  for (const entry of page) {
    const text = configKeyText(entry.key);
    const inBucket = held.get(text);
    held.delete(text);
    if (inBucket === undefined || inBucket.version < entry.value.version) lacking.push(entry);
    else if (inBucket.version > entry.value.version) {
      if (inBucket.isDeleted) deleted.push({ key: entry.key, version: inBucket.version });
      else newer.push(text);
    }
  }
  return { lacking, deleted, newer };
}
