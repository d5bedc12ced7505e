/**
 * Makes room in INGEST and LOG before they are full: of INGEST goes what no open delivery and no running replay needs,
 * of LOG what is archived. Only when that is not enough does INGEST refuse events, and ingest answers 503.
 * Failure policy: whatever cannot be asked counts as needed.
 */

import type { OpenDatabase } from "@posthorn/database";
import { ALL_PARTITIONS } from "@posthorn/domain";
import {
  type BusConnection,
  firstBehind,
  firstUnacknowledged,
  messageAt,
  purgeBefore,
  type StreamFill,
  type StreamName,
  streamFill,
} from "@posthorn/message-bus";
import { isFullEnough, planRoom } from "../core/stream-room.ts";
import type { SchedulerEvents } from "../events.ts";
import { archivedUpTo, payloadsNeededFrom } from "../io/needed-payloads.ts";
import { projectionOfNow } from "./await-projection.ts";

export type RoomPorts = {
  readonly pool: OpenDatabase["pool"];
  readonly connection: BusConnection;
  readonly events: Pick<SchedulerEvents, "filled" | "purged" | "roomNotMade">;
  /** Do schedulers read LOG, for those who subscribe to operational events? */
  readonly followsLog: () => boolean;
  readonly nowMs: () => number;
};

/** For so long a stream remembers the ids of its messages: a repeat of what is gone would not be known after a restart. */
const REMEMBERED_MS = { INGEST: 10 * 60_000, LOG: 2 * 60_000 };

export async function makeRoom(ports: RoomPorts): Promise<void> {
  await makeRoomIn(ports, "INGEST", ingestNeeds);
  await makeRoomIn(ports, "LOG", logNeeds);
}

/** The first sequences that are needed; "unknown": nobody can say now. */
type Needs = (ports: RoomPorts, fill: StreamFill) => Promise<readonly (number | undefined)[] | "unknown">;

async function makeRoomIn(ports: RoomPorts, stream: "INGEST" | "LOG", needs: Needs): Promise<void> {
  const { connection, events } = ports;
  const fill = await streamFill(connection, stream);
  events.filled(stream, fill.bytes / fill.bytesMax);
  if (!isFullEnough(fill)) return;
  const neededFrom = await needs(ports, fill);
  if (neededFrom === "unknown") return events.roomNotMade(stream, "the projection has not caught up with it");
  const plan = planRoom(fill, neededFrom);
  if (plan.kind === "all-needed") return events.roomNotMade(stream, "everything in it is needed");
  if (plan.kind === "room-enough") return;
  if (!(await isForgotten(ports, stream, plan.before - 1))) {
    return events.roomNotMade(stream, "it remembers the ids of all that could go");
  }
  events.purged(stream, await purgeBefore(connection, stream, plan.before));
}

/** The matchers are asked first, the projection last: what they have matched is open there, or has ended. */
async function ingestNeeds({ pool, connection }: RoomPorts, { epochMs, lastSequence }: StreamFill) {
  const unmatched = await ofAllPartitions(connection, "matcher", "INGEST", lastSequence);
  const projected = await Promise.all(ALL_PARTITIONS.map((partition) => projectionOfNow(pool, connection, partition)));
  if (!projected.every((isProjected) => isProjected)) return "unknown";
  return [...unmatched, await payloadsNeededFrom(pool, epochMs)];
}

/** A checkpoint behind the stream's end is of a past that the stream has lost: the projector will read it all again. */
async function logNeeds({ pool, connection, followsLog }: RoomPorts, { epochMs, lastSequence }: StreamFill) {
  const archived = await archivedUpTo(pool, epochMs);
  if ([...archived.values()].some((sequence) => sequence > lastSequence)) return "unknown";
  const unarchived = ALL_PARTITIONS.map((partition) =>
    firstBehind(connection, "LOG", partition, archived.get(partition) ?? 0),
  );
  const unfollowed = followsLog() ? await ofAllPartitions(connection, "scheduler", "LOG", lastSequence) : [];
  return [...(await Promise.all(unarchived)), ...unfollowed];
}

function ofAllPartitions(
  connection: BusConnection,
  worker: "matcher" | "scheduler",
  stream: StreamName,
  lastSequence: number,
) {
  return Promise.all(
    ALL_PARTITIONS.map((partition) => firstUnacknowledged(connection, worker, stream, partition, lastSequence)),
  );
}

async function isForgotten(
  { connection, nowMs }: RoomPorts,
  stream: "INGEST" | "LOG",
  sequence: number,
): Promise<boolean> {
  const message = await messageAt(connection, stream, sequence);
  return message !== undefined && message.storedAtMs < nowMs() - REMEMBERED_MS[stream];
}
