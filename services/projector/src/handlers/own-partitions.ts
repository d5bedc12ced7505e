/**
 * Shares the partitions among projectors: whoever holds a partition's advisory lock projects it, the others stand by
 * and take over when the holder's session ends. The locks only save wasted work; what keeps two projectors from writing
 * the same partition is the compare-and-set of the checkpoint.
 */

import { setTimeout as sleepFor } from "node:timers/promises";
import type { Pool, PoolClient } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import type { DependencyHandle } from "@posthorn/service-runtime";
import type { ProjectorEvents } from "../events.ts";
import { tryLockPartitions } from "../io/partition-locks.ts";

export type OwnPartitionsOptions<Owned extends AsyncDisposable> = {
  readonly pool: Pool;
  readonly health: DependencyHandle;
  readonly events: ProjectorEvents;
  /** Called when a partition became ours; disposed when it no longer is. */
  readonly start: (partition: number) => Owned;
};

/** How often free partitions are looked for, and Postgres is asked whether it is still there. */
const LOOK_EVERY_MS = 1_000;
/** A session that does not answer for this long is given up; the server may be gone without a word. */
const ANSWER_MS_MAX = 5_000;

export class PartitionOwner<Owned extends AsyncDisposable> implements AsyncDisposable {
  readonly #options: OwnPartitionsOptions<Owned>;
  readonly #stopping = new AbortController();
  readonly #owned = new Map<number, Owned>();
  readonly #running: Promise<void>;

  constructor(options: OwnPartitionsOptions<Owned>) {
    this.#options = options;
    this.#running = this.#run();
  }

  get owned(): ReadonlyMap<number, Owned> {
    return this.#owned;
  }

  /** Finishes what is in hand, then lets others have the partitions. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { health, events } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#holdSession();
      } catch (error) {
        health.down("Postgres does not answer");
        events.sessionLost(error);
      }
      await this.#wait();
    }
  }

  /** The locks live as long as this session does. */
  async #holdSession(): Promise<void> {
    const { pool, health, events, start } = this.#options;
    const session = await pool.connect();
    try {
      while (!this.#stopping.signal.aborted) {
        const missing = ALL_PARTITIONS.filter((partition) => !this.#owned.has(partition));
        const gained = await inTime(tryLockPartitions(session, missing));
        health.up();
        for (const partition of gained) this.#owned.set(partition, start(partition));
        if (gained.length > 0) events.gained(gained);
        await this.#wait();
      }
    } finally {
      await this.#giveUpAll(session);
    }
  }

  async #giveUpAll(session: PoolClient): Promise<void> {
    const owned = [...this.#owned.values()];
    this.#owned.clear();
    await Promise.all(owned.map((one) => one[Symbol.asyncDispose]()));
    session.release(true);
  }

  async #wait(): Promise<void> {
    await sleepFor(LOOK_EVERY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  const tooLate = AbortSignal.timeout(ANSWER_MS_MAX);
  const { promise, reject } = Promise.withResolvers<never>();
  tooLate.addEventListener("abort", () => reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`)), { once: true });
  return await Promise.race([answer, promise]);
}
