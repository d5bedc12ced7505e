/** The archive: log messages as they came, appended with the projection and read again to rebuild it. */

import type { Pool, PoolClient } from "@posthorn/database";
import type { LogPosition } from "../core/checkpoint.ts";
import { byteaArray, int8Array, timestampArray } from "./binary-arrays.ts";
import type { Statement } from "./bulk-insert.ts";

export type ArchivedMessage = {
  readonly position: LogPosition;
  readonly storedAtMs: number;
  readonly bytes: Uint8Array;
};

export function archiveStatement(partition: number, messages: readonly ArchivedMessage[]): Statement {
  return {
    kind: "prepared",
    name: "append-to-archive",
    text: `insert into delivery_log (partition, epoch_ms, sequence, stored_at, bytes)
      select $1, * from unnest($2::int8[], $3::int8[], $4::timestamptz[], $5::bytea[])
      on conflict do nothing`,
    values: [
      partition,
      int8Array(messages.map((message) => message.position.epochMs)),
      int8Array(messages.map((message) => message.position.sequence)),
      timestampArray(messages.map((message) => message.storedAtMs)),
      byteaArray(messages.map((message) => message.bytes)),
    ],
  };
}

type ArchiveRow = { epoch_ms: number; sequence: number; stored_at: Date; bytes: Buffer };

/** The messages of a partition behind `after`, up to and with `upTo`, oldest first, `rowsMax` at most. */
export async function readArchive(
  client: PoolClient,
  partition: number,
  range: { readonly after: LogPosition; readonly upTo: LogPosition },
  rowsMax: number,
): Promise<readonly ArchivedMessage[]> {
  const { after, upTo } = range;
  const { rows } = await client.query<ArchiveRow>({
    name: "read-archive",
    text: `select epoch_ms, sequence, stored_at, bytes from public.delivery_log
      where partition = $1 and (epoch_ms, sequence) > ($2, $3) and (epoch_ms, sequence) <= ($4, $5)
      order by epoch_ms, sequence limit $6`,
    values: [partition, after.epochMs, after.sequence, upTo.epochMs, upTo.sequence, rowsMax],
  });
  return rows.map(archivedMessage);
}

/** The last archived message of a range of sequences, in any of the epochs; the latest epoch's where two have it. */
export async function readArchivedBefore(
  pool: Pool,
  partition: number,
  epochs: { readonly from: number; readonly to: number },
  sequences: { readonly from: number; readonly upTo: number },
): Promise<ArchivedMessage | undefined> {
  const { rows } = await pool.query<ArchiveRow>(
    `select epoch_ms, sequence, stored_at, bytes from public.delivery_log
      where partition = $1 and epoch_ms between $2 and $3 and sequence between $4 and $5
      order by sequence desc, epoch_ms desc limit 1`,
    [partition, epochs.from, epochs.to, sequences.from, sequences.upTo],
  );
  const [row] = rows;
  return row === undefined ? undefined : archivedMessage(row);
}

function archivedMessage(row: ArchiveRow): ArchivedMessage {
  return {
    position: { epochMs: row.epoch_ms, sequence: row.sequence },
    storedAtMs: row.stored_at.getTime(),
    bytes: row.bytes,
  };
}
