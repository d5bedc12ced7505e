/** The checkpoints: read, and moved only from where the mover believes them to be. */

import { hash } from "node:crypto";
import type { Pool, PoolClient, Row } from "@posthorn/database";
import type { Checkpoint, LogPosition } from "../core/checkpoint.ts";

const FINGERPRINT_LENGTH = 32;

/** Tells one log message from another. */
export function fingerprintOf(message: Uint8Array): string {
  return hash("sha256", message).slice(0, FINGERPRINT_LENGTH);
}

/** Undefined: the partition has none yet. */
export async function readCheckpoint(client: Pool | PoolClient, partition: number): Promise<Checkpoint | undefined> {
  const { rows } = await client.query<Row<"projector_checkpoint">>({
    name: "read-checkpoint",
    text: "select * from projector_checkpoint where partition = $1",
    values: [partition],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    streamEpochMs: row.stream_epoch_ms,
    epochMs: row.epoch_ms,
    sequence: row.sequence,
    fingerprint: row.message_fingerprint ?? undefined,
  };
}

/** How far each partition is archived and projected. */
export async function readPositions(client: Pool | PoolClient): Promise<ReadonlyMap<number, LogPosition>> {
  const { rows } = await client.query<Row<"projector_checkpoint">>("select * from projector_checkpoint");
  return new Map(rows.map((row) => [row.partition, { epochMs: row.epoch_ms, sequence: row.sequence }]));
}

/**
 * Moves the checkpoint and holds it until the transaction ends, so that nobody else projects this partition meanwhile.
 * False: it was not at `from`; somebody else has moved it.
 * @param from undefined when the partition has no checkpoint yet.
 */
export async function moveCheckpoint(
  client: Pool | PoolClient,
  partition: number,
  from: Checkpoint | undefined,
  to: Checkpoint,
): Promise<boolean> {
  const target = [partition, to.streamEpochMs, to.epochMs, to.sequence, to.fingerprint];
  const { rowCount } =
    from === undefined
      ? await client.query({
          name: "begin-checkpoint",
          text: `insert into projector_checkpoint (partition, stream_epoch_ms, epoch_ms, sequence, message_fingerprint)
            values ($1, $2, $3, $4, $5) on conflict do nothing`,
          values: target,
        })
      : await client.query({
          name: "move-checkpoint",
          text: `update projector_checkpoint
            set stream_epoch_ms = $2, epoch_ms = $3, sequence = $4, message_fingerprint = $5
            where partition = $1 and epoch_ms = $6 and sequence = $7`,
          values: [...target, from.epochMs, from.sequence],
        });
  return rowCount === 1;
}
