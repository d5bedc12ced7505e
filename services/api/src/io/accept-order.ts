/**
 * Says up to where the projection holds all events of a partition, so that they can be read in the order of acceptance
 * and none turns up later between two that were read. Matchers work on several messages at once and projectors in
 * batches, so a row alone says nothing of the ones before it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "@posthorn/database";
import { type BusConnection, lastSequenceOf, streamPosition, workedUpTo } from "@posthorn/message-bus";
import type { Kysely } from "kysely";

export type CompleteUpTo = {
  /** Of INGEST, as it exists now. */
  readonly epochMs: number;
  /** Whatever the partition accepted up to this message has its row. */
  readonly sequence: number;
};

/** Undefined: NATS cannot say. */
export type AcceptOrder = { completeUpTo(partition: number): Promise<CompleteUpTo | undefined> };

/** What the matchers had worked off, and the end of LOG after that: everything about it stands before that end. */
type Mark = CompleteUpTo & { readonly logEpochMs: number; readonly logSequence: number };

/** The projection is this far behind at most while all is well; beyond it an earlier mark has to do. */
const WAIT_MS_MAX = 1_000;
const LOOK_EVERY_MS = 25;
/** Of one partition: more than can be set within the lag of a projection that keeps up. */
const MARKS_MAX = 100;

export function openAcceptOrder(db: Kysely<Database>, connection: BusConnection): AcceptOrder {
  const marksOf = new Map<number, readonly Mark[]>();
  const asked = new Map<number, Promise<CompleteUpTo | undefined>>();

  async function look(partition: number): Promise<CompleteUpTo | undefined> {
    const mark = connection.isConnected ? await setMark(connection, partition).catch(() => undefined) : undefined;
    if (mark === undefined) return undefined;
    const known = (marksOf.get(partition) ?? []).filter((earlier) => isOfSameStreams(earlier, mark));
    const marks = [...known, mark].slice(-MARKS_MAX);
    marksOf.set(partition, marks);
    const reached = await lastReached(db, partition, marks);
    if (reached === undefined) return { epochMs: mark.epochMs, sequence: 0 };
    const current = marksOf.get(partition) ?? [];
    marksOf.set(partition, current.slice(Math.max(0, current.indexOf(reached))));
    return { epochMs: reached.epochMs, sequence: reached.sequence };
  }

  return {
    completeUpTo: (partition) => {
      const running = asked.get(partition);
      if (running !== undefined) return running;
      const looking = look(partition).finally(() => asked.delete(partition));
      asked.set(partition, looking);
      return looking;
    },
  };
}

/** The order of the questions matters: the end of LOG is asked for last. */
async function setMark(connection: BusConnection, partition: number): Promise<Mark> {
  const [ingest, log] = await Promise.all([streamPosition(connection, "INGEST"), streamPosition(connection, "LOG")]);
  const matched = await workedUpTo(connection, "matcher", "INGEST", partition);
  const logSequence = await lastSequenceOf(connection, "LOG", partition);
  // What the stream has dropped was worked off, or nobody will ever work on it.
  const sequence = Math.max(matched, ingest.firstSequence - 1);
  return { epochMs: ingest.epochMs, sequence, logEpochMs: log.epochMs, logSequence };
}

function isOfSameStreams(one: Mark, other: Mark): boolean {
  return one.epochMs === other.epochMs && one.logEpochMs === other.logEpochMs;
}

/** The newest mark, once the projection has come to it within a bounded time, else the newest it has come to. */
async function lastReached(db: Kysely<Database>, partition: number, marks: readonly Mark[]): Promise<Mark | undefined> {
  const deadlineAtMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const checkpoint = await db
      .selectFrom("projector_checkpoint")
      .select(["stream_epoch_ms", "sequence"])
      .where("partition", "=", partition)
      .executeTakeFirst();
    const isReached = ({ logEpochMs, logSequence }: Mark) =>
      logSequence === 0 || (checkpoint?.stream_epoch_ms === logEpochMs && checkpoint.sequence >= logSequence);
    const reached = marks.findLast(isReached);
    if (reached !== undefined && reached === marks.at(-1)) return reached;
    if (performance.now() >= deadlineAtMs) return reached;
    await sleep(LOOK_EVERY_MS);
  }
}
