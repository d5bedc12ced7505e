/** Finds where a partition goes on: at its own checkpoint, if the stream still holds what was read up to there. */

import type { Pool } from "@posthorn/database";
import { type BusConnection, messageAt, streamPosition } from "@posthorn/message-bus";
import { behindCommonPast, type Checkpoint, judgeStream } from "../core/checkpoint.ts";
import type { ProjectorEvents } from "../events.ts";
import { fingerprintOf, moveCheckpoint, readCheckpoint } from "../io/checkpoint-table.ts";
import { findCommonPast } from "./find-common-past.ts";

const STREAM = "LOG";

/** Undefined: somebody else has moved the checkpoint meanwhile. Rejects while NATS or Postgres cannot be asked. */
export async function resumePartition(
  pool: Pool,
  connection: BusConnection,
  partition: number,
  events: Pick<ProjectorEvents, "distrusted">,
): Promise<Checkpoint | undefined> {
  const found = await readCheckpoint(pool, partition);
  const stream = await streamPosition(connection, STREAM);
  const fingerprintAtCheckpoint = await fingerprintAt(connection, found?.sequence ?? 0);
  const resumption = judgeStream(found, { ...stream, fingerprintAtCheckpoint });
  if (resumption.kind === "resume") return resumption.checkpoint;
  const isKnown = resumption.kind === "distrust" && resumption.isSameStream && found !== undefined;
  const common = isKnown ? await findCommonPast(pool, connection, partition, found, stream) : undefined;
  const checkpoint = behindCommonPast(resumption.checkpoint, common);
  const hasMoved = await moveCheckpoint(pool, partition, found, checkpoint);
  if (hasMoved && resumption.kind === "distrust") events.distrusted(partition, resumption.reason, found, checkpoint);
  return hasMoved ? checkpoint : undefined;
}

async function fingerprintAt(connection: BusConnection, sequence: number): Promise<string | undefined> {
  if (sequence === 0) return undefined;
  const message = await messageAt(connection, STREAM, sequence);
  return message === undefined ? undefined : fingerprintOf(message.data);
}
