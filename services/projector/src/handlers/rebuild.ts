/**
 * Rebuilds the projections from the archive, beside the live ones and while these are in use; only the last stretch
 * holds up the projector. The checkpoint stays as it is: the archive and the checkpoint were always committed together.
 * Retention holds still meanwhile: its functions and this one meet at the rebuild's lock.
 */

import type { Pool, PoolClient } from "@posthorn/database";
import type { LogPosition } from "../core/checkpoint.ts";
import { compareTables, type TableDifference } from "../io/compare-tables.ts";
import { tryLockRebuild, unlockRebuild } from "../io/partition-locks.ts";
import { carryOver, forgetRetired, forgetRetiredLive } from "../io/retained-rows.ts";
import { completeSideTables, createSideTables, dropSideTables, swapTables } from "../io/side-tables.ts";
import { type Replayed, type ReplayPositions, replayInBatches, replayWithin } from "./replay-archive.ts";

export type RebuildGoal = "swap" | "verify";

export type RebuildResult =
  | { readonly kind: "swapped" }
  /** Nothing was swapped; empty when the live rows are those that the log gives. */
  | { readonly kind: "verified"; readonly differences: readonly TableDifference[] }
  | { readonly kind: "refused"; readonly reason: string };

export type RebuildProgress = { readonly partition: number; readonly messages: number; readonly upTo: LogPosition };

/**
 * @param pool of the tables' owner, with `SIDE_SCHEMA` before the live schema in its search path.
 * @param onProgress told after every batch; `messages` counts all of them so far.
 */
export async function rebuild(
  pool: Pool,
  goal: RebuildGoal,
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildResult> {
  const session = await pool.connect();
  try {
    if (!(await tryLockRebuild(session))) return { kind: "refused", reason: "another rebuild is running" };
    const result = await rebuildAside(pool, session, goal, onProgress);
    // A session ends some time after it is let go; whoever comes next is not to find the lock held.
    await unlockRebuild(session);
    return result;
  } finally {
    // After a failure the lock ends with the session, and so does the transaction.
    session.release(true);
  }
}

async function rebuildAside(
  pool: Pool,
  session: PoolClient,
  goal: RebuildGoal,
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildResult> {
  await createSideTables(session);
  const positions: ReplayPositions = new Map();
  let messages = 0;
  const onReplayed = (replayed: Replayed): void => {
    messages += replayed.messages;
    onProgress({ ...replayed, messages });
  };
  await replayInBatches(pool, positions, onReplayed);
  await completeSideTables(session);
  // Once more for what was archived in the meantime, so that little is left for the last stretch.
  await replayInBatches(pool, positions, onReplayed);
  await forgetRetired(session);
  const finish = goal === "swap" ? finishAndSwap : finishAndCompare;
  const result = await finish(session, positions);
  await dropSideTables(session);
  return result;
}

/** A projector that moves its checkpoint meanwhile waits until the new tables are in place, and writes to these. */
async function finishAndSwap(session: PoolClient, positions: ReplayPositions): Promise<RebuildResult> {
  await session.query("begin");
  await session.query("lock table projector_checkpoint in share row exclusive mode");
  await replayWithin(session, positions);
  await forgetRetired(session);
  await carryOver(session);
  await swapTables(session);
  await session.query("commit");
  return { kind: "swapped" };
}

/** One snapshot of archive and projections: the projector may go on. */
async function finishAndCompare(session: PoolClient, positions: ReplayPositions): Promise<RebuildResult> {
  await session.query("begin isolation level repeatable read");
  await replayWithin(session, positions);
  await forgetRetired(session);
  await forgetRetiredLive(session);
  await carryOver(session);
  const differences = await compareTables(session);
  await session.query("rollback");
  return { kind: "verified", differences };
}
