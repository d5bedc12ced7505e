/**
 * Holds work back until the projection has caught up with where LOG ended: before that, what looks due or lost may have
 * an outcome that is not projected yet.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { OpenDatabase } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import { type BusConnection, lastSequenceOf, streamPosition } from "@posthorn/message-bus";
import { hasCaughtUp, type LogPosition } from "../core/release.ts";

export type LogEnd = { readonly partition: number; readonly end: LogPosition };
export type LogEnds = readonly LogEnd[];

const PROJECTION_MS_MAX = 5_000;
const LOOK_EVERY_MS = 100;

export async function readLogEnds(
  connection: BusConnection,
  partitions: readonly number[] = ALL_PARTITIONS,
): Promise<LogEnds> {
  const { epochMs } = await streamPosition(connection, "LOG");
  return Promise.all(
    partitions.map(async (partition) => ({
      partition,
      end: { epochMs, sequence: await lastSequenceOf(connection, "LOG", partition) },
    })),
  );
}

/** The partitions of `ends` that the projection has caught up with. */
export async function caughtUp(pool: OpenDatabase["pool"], ends: LogEnds): Promise<readonly number[]> {
  const { rows } = await pool.query<{ partition: number; stream_epoch_ms: number; sequence: number }>(
    "select partition, stream_epoch_ms, sequence from projector_checkpoint",
  );
  const reached = new Map(
    rows.map((row) => [row.partition, { epochMs: row.stream_epoch_ms, sequence: row.sequence }] as const),
  );
  return ends
    .filter(({ partition, end }) => hasCaughtUp(reached.get(partition), end))
    .map(({ partition }) => partition);
}

/** Waits until the projection holds what the partition's log holds now. False: it did not come that far in time. */
export async function projectionOfNow(
  pool: OpenDatabase["pool"],
  connection: BusConnection,
  partition: number,
): Promise<boolean> {
  const ends = await readLogEnds(connection, [partition]);
  const deadlineAtMs = performance.now() + PROJECTION_MS_MAX;
  while ((await caughtUp(pool, ends)).length === 0) {
    if (performance.now() > deadlineAtMs) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}
