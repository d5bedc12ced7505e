/** Advisory locks of a session: one per partition, and one for whoever rebuilds. */

import type { PoolClient } from "@posthorn/database";

/** The first half of the lock keys, so that they meet nobody else's: "proj" in ASCII. */
const LOCK_CLASS = 0x70726f6a;
/** The second half is the partition; this one is none. */
const REBUILD_KEY = -1;

/** The partitions among these that are now held by the session. */
export async function tryLockPartitions(
  session: PoolClient,
  partitions: readonly number[],
): Promise<readonly number[]> {
  const { rows } = await session.query<{ partition: number }>(
    `select partition from unnest($1::int4[]) as wanted (partition) where pg_try_advisory_lock($2, partition)`,
    [partitions, LOCK_CLASS],
  );
  return rows.map((row) => row.partition);
}

/** False: another session rebuilds. */
export async function tryLockRebuild(session: PoolClient): Promise<boolean> {
  const { rows } = await session.query<{ locked: boolean }>("select pg_try_advisory_lock($1, $2) as locked", [
    LOCK_CLASS,
    REBUILD_KEY,
  ]);
  return rows[0]?.locked === true;
}
