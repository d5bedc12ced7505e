/**
 * Keeps the configuration bucket: it is made, and everything in Postgres is copied into it, whenever it has no
 * sentinel of its own. That is so at the very first start and after the bucket was lost. One replica at a time does it,
 * and nobody else makes the bucket, so that a sentinel never stands for the copy into another one.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "@posthorn/database";
import {
  type BusConnection,
  ensureConfigBucket,
  hasSentinel,
  type Publisher,
  writeSentinel,
} from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { CONFIG_KINDS, type ConfigEntries } from "./config-entries.ts";
import type { WriteEntries } from "./write-entries.ts";

export interface ConfigKeeper extends Disposable {
  /** Whether the bucket held a complete copy when last looked at. */
  readonly isComplete: boolean;
}

export type ConfigKeeperPorts = {
  readonly pool: Pool;
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly replicas: number;
  readonly entries: Pick<ConfigEntries, "all">;
  readonly writeEntries: WriteEntries;
  readonly onCopied: (entryCount: number) => void;
  readonly onTrouble: (reason: string) => void;
};

/** How long a lost bucket stays unnoticed. Readers pause meanwhile; nothing is decided without a configuration. */
const CHECK_EVERY_MS = 2_000;
/** Names the lock among all advisory locks of the database: "phcf" in ASCII. */
const COPY_LOCK = 0x70_68_63_66;

/** Resolves after the first look, whatever came of it; disposing abandons a copy that is under way. */
export async function keepConfigBucket(ports: ConfigKeeperPorts): Promise<ConfigKeeper> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let isComplete = await look(ports, signal, "made-and-complete");

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await sleep(CHECK_EVERY_MS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) isComplete = await look(ports, signal, "complete");
    }
  }
  void keep();

  return {
    get isComplete() {
      return isComplete;
    },
    [Symbol.dispose]: () => stopping.abort(),
  };
}

/**
 * Looks whether the bucket is complete and makes it so if it is not.
 * @param wanted "made-and-complete" also brings the settings of an existing bucket up to date.
 */
async function look(
  ports: ConfigKeeperPorts,
  signal: AbortSignal,
  wanted: "complete" | "made-and-complete",
): Promise<boolean> {
  try {
    if (!ports.connection.isConnected) return false;
    // A bucket that is not there, or a server that is slow, looks incomplete; what is true is found out under the lock.
    const isComplete = wanted === "complete" && (await hasSentinel(ports.connection).catch(() => false));
    return isComplete || (await withLock(ports.pool, signal, () => completeBucket(ports)));
  } catch (error) {
    if (!signal.aborted) ports.onTrouble(error instanceof Error ? error.message : String(error));
    return false;
  }
}

async function completeBucket(ports: ConfigKeeperPorts): Promise<boolean> {
  const { connection, publisher } = ports;
  await ensureConfigBucket(connection, ports.replicas);
  if (await hasSentinel(connection)) return true;
  let count = 0;
  for (const kind of CONFIG_KINDS) {
    for await (const entries of ports.entries.all(kind)) {
      const { failure } = await ports.writeEntries(entries);
      if (failure !== undefined) throw new Error(failure);
      count += entries.length;
    }
  }
  crashPoint("api.copied");
  await writeSentinel(connection, publisher);
  ports.onCopied(count);
  return true;
}

/** Waits for the replica that holds the lock, if one does; its lock ends with its session, however that ends. */
async function withLock(pool: Pool, signal: AbortSignal, act: () => Promise<boolean>): Promise<boolean> {
  const client = await pool.connect();
  let isHeld = true;
  const release = () => {
    if (isHeld) client.release(true);
    isHeld = false;
  };
  signal.addEventListener("abort", release);
  try {
    await client.query("select pg_advisory_lock($1)", [COPY_LOCK]);
    return await act();
  } finally {
    signal.removeEventListener("abort", release);
    release();
  }
}
