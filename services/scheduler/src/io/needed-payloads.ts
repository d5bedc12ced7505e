/** Which payloads of INGEST somebody may still ask for, as far as the projection knows. */

import type { OpenDatabase } from "@posthorn/database";

/** Of open deliveries, and of what running replays have in their ranges. Tests are over while their caller waits. */
const NEEDED_FROM = `
  select least(
    (select min(place_sequence) from deliveries
     where completed_at is null and not test and place_epoch_ms = $1),
    (select min(d.place_sequence) from replays r join deliveries d
       on d.webhook_id = r.webhook_id and d.created_at >= r.since and d.created_at < r.until
     where r.state = 'running' and d.place_epoch_ms = $1)
  ) as needed_from`;

/**
 * The lowest sequence with a payload that is needed; undefined: none is.
 * @param epochMs of the stream.
 */
export async function payloadsNeededFrom(pool: OpenDatabase["pool"], epochMs: number): Promise<number | undefined> {
  const { rows } = await pool.query<{ needed_from: number | null }>(NEEDED_FROM, [epochMs]);
  return rows[0]?.needed_from ?? undefined;
}

/** Per partition the sequence up to which this stream is archived. Nothing of another stream's is. */
export async function archivedUpTo(pool: OpenDatabase["pool"], epochMs: number): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query<{ partition: number; sequence: number }>(
    "select partition, sequence from projector_checkpoint where stream_epoch_ms = $1",
    [epochMs],
  );
  return new Map(rows.map((row) => [row.partition, row.sequence]));
}
