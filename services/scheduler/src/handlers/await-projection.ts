/**
 * Holds a partition back until the projection has caught up with where LOG ended at our start: before that, rows that
 * look due may have an outcome that is not projected yet.
 */

import type { OpenDatabase } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import { type BusConnection, lastSequenceOf, streamPosition } from "@posthorn/message-bus";
import { hasCaughtUp, type LogPosition } from "../core/release.ts";

export type LogEnds = readonly { readonly partition: number; readonly end: LogPosition }[];

export async function readLogEnds(connection: BusConnection): Promise<LogEnds> {
  const { epochMs } = await streamPosition(connection, "LOG");
  return Promise.all(
    ALL_PARTITIONS.map(async (partition) => ({
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
