/** Where a work queue stands for one partition, by sequences alone: nobody's clock has a say in it. */

import { orNothing } from "./api-answers.ts";
import type { BusConnection } from "./connection.ts";
import { durableOf, type LaneName, lanesOf, type StreamName, subjectOf, type WorkerName } from "./names.ts";
import { streamPosition } from "./streams.ts";

export type QueueEnds = {
  /** Of the whole stream: its creation time and its last message. */
  readonly epochMs: number;
  readonly lastSequence: number;
  /** The partition's oldest message that is not worked off, over its lanes; undefined: there is none. */
  readonly oldestSequence: number | undefined;
};

/** What a killed server brought back, below the floor of its worker, counts as worked off. */
export async function queueEnds(
  connection: BusConnection,
  worker: WorkerName,
  stream: StreamName,
  partition: number,
): Promise<QueueEnds> {
  const { epochMs, lastSequence } = await streamPosition(connection, stream);
  const { consumers, direct } = connection.manager;
  const oldestOf = async (lane: LaneName) => {
    const info = await orNothing(consumers.info(stream, durableOf(worker, stream, partition, lane)));
    const query = { seq: (info?.ack_floor.stream_seq ?? 0) + 1, next_by_subj: subjectOf(stream, partition, lane) };
    return (await orNothing(direct.getMessage(stream, query)))?.seq;
  };
  const oldest = (await Promise.all(lanesOf(stream).map(oldestOf))).filter((sequence) => sequence !== undefined);
  return { epochMs, lastSequence, oldestSequence: oldest.length === 0 ? undefined : Math.min(...oldest) };
}
