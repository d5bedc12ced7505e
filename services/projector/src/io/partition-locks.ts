/** Advisory locks: the class that the partitions' locks share, and one more for whoever rebuilds. */

import type { PoolClient } from "@posthorn/database";

/** The first half of the lock keys, so that they meet nobody else's: "proj" in ASCII. */
export const LOCK_CLASS = 0x70726f6a;
/** The second half is the partition; this one is none. */
const REBUILD_KEY = -1;

/** False: another session rebuilds. */
export async function tryLockRebuild(session: PoolClient): Promise<boolean> {
  const { rows } = await session.query<{ locked: boolean }>("select pg_try_advisory_lock($1, $2) as locked", [
    LOCK_CLASS,
    REBUILD_KEY,
  ]);
  return rows[0]?.locked === true;
}

export async function unlockRebuild(session: PoolClient): Promise<void> {
  await session.query("select pg_advisory_unlock($1, $2)", [LOCK_CLASS, REBUILD_KEY]);
}
