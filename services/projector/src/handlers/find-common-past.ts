/**
 * Finds out up to where a stream that lost its end is still the one that was archived. Messages hold random ids, so two
 * that are the same at one sequence have the same past: the place is found by halving.
 */

import type { Pool } from "@posthorn/database";
import { type BusConnection, messageAt, type StreamPosition } from "@posthorn/message-bus";
import type { Checkpoint, CommonPast } from "../core/checkpoint.ts";
import { readArchivedBefore } from "../io/archive.ts";
import { fingerprintOf } from "../io/checkpoint-table.ts";

/** @returns undefined: they have nothing in common that either still holds. */
export async function findCommonPast(
  pool: Pool,
  connection: BusConnection,
  partition: number,
  checkpoint: Checkpoint,
  stream: StreamPosition,
): Promise<CommonPast | undefined> {
  const epochs = { from: checkpoint.streamEpochMs, to: checkpoint.epochMs };
  let common: CommonPast | undefined;
  let lowest = stream.firstSequence;
  let highest = Math.min(stream.lastSequence, checkpoint.sequence);
  while (lowest <= highest) {
    const middle = Math.floor((lowest + highest) / 2);
    const archived = await readArchivedBefore(pool, partition, epochs, { from: lowest, upTo: middle });
    if (archived === undefined) {
      lowest = middle + 1;
      continue;
    }
    const { sequence } = archived.position;
    const fingerprint = fingerprintOf(archived.bytes);
    const held = await messageAt(connection, "LOG", sequence);
    if (held !== undefined && fingerprintOf(held.data) === fingerprint) {
      common = { sequence, fingerprint };
      lowest = middle + 1;
    } else {
      highest = sequence - 1;
    }
  }
  return common;
}
