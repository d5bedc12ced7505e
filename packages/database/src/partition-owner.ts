/**
 * Shares partitions among processes: whoever holds a partition's advisory lock owns it, the others stand by and take
 * over when the holder's session ends. A holder that has frozen may be overtaken without noticing: what must not be
 * done twice needs a check of its own, or a look at how long ago the ownership was last confirmed.
 */

import { setTimeout as sleepFor } from "node:timers/promises";
import type { Pool, PoolClient } from "pg";

export type PartitionOwnerOptions<Owned extends AsyncDisposable> = {
  readonly pool: Pool;
  /** The first half of the lock keys, so that they meet nobody else's: four letters in ASCII. */
  readonly lockClass: number;
  readonly partitions: readonly number[];
  /** Called when a partition became ours; disposed when it no longer is. */
  readonly start: (partition: number) => Owned;
  readonly onGained: (partitions: readonly number[]) => void;
  /** Postgres has answered. */
  readonly onAnswer: () => void;
  /** The session ended, and with it all that was owned. It is tried again by itself. */
  readonly onLost: (error: unknown) => void;
};

/** How often free partitions are looked for, and Postgres is asked whether it is still there. */
const LOOK_EVERY_MS = 1_000;
/** A session that does not answer for this long is given up; the server may be gone without a word. */
const ANSWER_MS_MAX = 5_000;

export class PartitionOwner<Owned extends AsyncDisposable> implements AsyncDisposable {
  readonly #options: PartitionOwnerOptions<Owned>;
  readonly #stopping = new AbortController();
  readonly #owned = new Map<number, Owned>();
  readonly #running: Promise<void>;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PartitionOwnerOptions<Owned>) {
    this.#options = options;
    this.#running = this.#run();
  }

  get owned(): ReadonlyMap<number, Owned> {
    return this.#owned;
  }

  /** Monotonic time at which the session was last known to hold its locks. */
  get confirmedAtMs(): number {
    return this.#confirmedAtMs;
  }

  /** Finishes what is in hand, then lets others have the partitions. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#holdSession();
      } catch (error) {
        this.#options.onLost(error);
      }
      await this.#wait();
    }
  }

  /** The locks live as long as this session does. */
  async #holdSession(): Promise<void> {
    const { pool, partitions, lockClass, start } = this.#options;
    const session = await pool.connect();
    try {
      while (!this.#stopping.signal.aborted) {
        const missing = partitions.filter((partition) => !this.#owned.has(partition));
        const askedAtMs = performance.now();
        const gained = await inTime(tryLock(session, lockClass, missing));
        this.#confirmedAtMs = askedAtMs;
        this.#options.onAnswer();
        for (const partition of gained) this.#owned.set(partition, start(partition));
        if (gained.length > 0) this.#options.onGained(gained);
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

/** The partitions among these that are now held by the session. */
async function tryLock(
  session: PoolClient,
  lockClass: number,
  partitions: readonly number[],
): Promise<readonly number[]> {
  const { rows } = await session.query<{ partition: number }>(
    `select partition from unnest($1::int4[]) as wanted (partition) where pg_try_advisory_lock($2, partition)`,
    [partitions, lockClass],
  );
  return rows.map((row) => row.partition);
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  const tooLate = AbortSignal.timeout(ANSWER_MS_MAX);
  const { promise, reject } = Promise.withResolvers<never>();
  tooLate.addEventListener("abort", () => reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`)), { once: true });
  return await Promise.race([answer, promise]);
}
