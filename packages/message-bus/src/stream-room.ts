/**
 * How full a stream is, what its readers still need of it, and making room at its old end. Only a prefix is ever purged,
 * and only one that every durable has acknowledged: servers before 2.9.25 lose track of what is pending in a purged part.
 */

import type { ConsumerInfo } from "@nats-io/jetstream";
import { orNothing } from "./api-answers.ts";
import type { BusConnection } from "./connection.ts";
import { durableOf, type StreamName, subjectOf, type WorkerName } from "./names.ts";

export type StreamFill = {
  /** The stream's creation time. */
  readonly epochMs: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly bytes: number;
  /** What it may hold before it refuses new messages. */
  readonly bytesMax: number;
};

export async function streamFill(connection: BusConnection, stream: StreamName): Promise<StreamFill> {
  const { created, state, config } = await connection.manager.streams.info(stream);
  return {
    epochMs: Date.parse(created),
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    bytes: state.bytes,
    bytesMax: config.max_bytes,
  };
}

/**
 * The sequence of the first message of a partition that a worker has not acknowledged; undefined: it has them all.
 * @param lastSequence of the stream.
 */
export async function firstUnacknowledged(
  connection: BusConnection,
  worker: WorkerName,
  stream: StreamName,
  partition: number,
  lastSequence: number,
): Promise<number | undefined> {
  const info = await orNothing(connection.manager.consumers.info(stream, durableOf(worker, stream, partition)));
  const floor = unacknowledgedBehind(info, lastSequence);
  return floor === undefined ? undefined : firstBehind(connection, stream, partition, floor);
}

type DurableState = Pick<ConsumerInfo, "num_pending" | "num_ack_pending"> &
  Readonly<Record<"ack_floor" | "delivered", Pick<ConsumerInfo["delivered"], "stream_seq">>>;

/**
 * The sequence behind which there may be messages that a durable has not acknowledged; undefined: there are none. One
 * that was further than the stream's end knows nothing of what the stream holds now.
 */
export function unacknowledgedBehind(durable: DurableState | undefined, lastSequence: number): number | undefined {
  if (durable === undefined || durable.delivered.stream_seq > lastSequence) return 0;
  const isIdle = durable.num_pending === 0 && durable.num_ack_pending === 0;
  return isIdle ? undefined : durable.ack_floor.stream_seq;
}

/** The sequence of the first message of a partition behind another; undefined: there is none. */
export async function firstBehind(
  connection: BusConnection,
  stream: StreamName,
  partition: number,
  sequence: number,
): Promise<number | undefined> {
  const query = { seq: sequence + 1, next_by_subj: subjectOf(stream, partition) };
  return (await orNothing(connection.manager.streams.getMessage(stream, query)))?.seq;
}

/** Removes what comes before a sequence, for good. @returns how many messages that were. */
export async function purgeBefore(connection: BusConnection, stream: StreamName, sequence: number): Promise<number> {
  return (await connection.manager.streams.purge(stream, { seq: sequence })).purged;
}
