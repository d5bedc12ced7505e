/**
 * Works the replays that run: page by page, first the new deliveries into the log, then how far it came. Whoever goes
 * on after a crash begins behind the last page that the log tells of; what was made twice has the same ids and is made
 * once.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BusConnection, streamPosition } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { finishedProgress, type IngestRange, planReplayPage, type Replay, typesOf } from "../core/replay-page.ts";
import type { SchedulerEvents } from "../events.ts";
import type { WriteLog } from "../io/log-writer.ts";
import type { ReplayRows } from "../io/replay-rows.ts";
import type { KnowsWebhook } from "./lane-board.ts";
import type { ReplayInHand, Tenure } from "./tenure.ts";

export type ReplayPorts = {
  readonly replays: ReplayRows;
  readonly connection: BusConnection;
  readonly writeLog: WriteLog;
  readonly knownWebhook: KnowsWebhook;
  readonly events: SchedulerEvents;
  readonly nowMs: () => number;
};

export const PAGE_ROWS_MAX = 400;
/** From one page to the next, over all replays of this process: 2,000 deliveries per second. */
const PAGE_EVERY_MS = 200;

/** Works one page of every replay. @returns whether more is to be done at once. */
export async function workReplays(ports: ReplayPorts, tenures: readonly Tenure[]): Promise<boolean> {
  if (tenures.length === 0) return false;
  const running = await ports.replays.running(tenures.map(({ partition }) => partition));
  for (const tenure of tenures) forgetFinished(tenure, running);
  let isMoreToDo = false;
  for (const replay of running) {
    const tenure = tenures.find(({ partition }) => partition === replay.partition);
    if (tenure === undefined || tenure.replays.get(replay.id)?.isFinished === true) continue;
    const startedAtMs = performance.now();
    try {
      const inHand = await workPage(ports, tenure.replays.get(replay.id) ?? (await begin(ports, replay)));
      tenure.replays.set(replay.id, inHand);
      isMoreToDo ||= !inHand.isFinished;
    } catch (error) {
      // One that cannot go on holds up no other; the next round goes on behind its last page.
      ports.events.trouble("replay", error);
    }
    await sleep(Math.max(0, startedAtMs + PAGE_EVERY_MS - performance.now()));
  }
  return isMoreToDo;
}

/** It is counted once; the types are asked for by whoever goes on. */
async function begin(ports: ReplayPorts, replay: Replay): Promise<ReplayInHand> {
  const counts = await ports.replays.countByType(replay);
  const types = typesOf(replay, [...counts.keys()]);
  const counted = types.reduce((sum, type) => sum + (counts.get(type) ?? 0), 0);
  const total = replay.total ?? counted;
  return { replay: { ...replay, total }, types, isFinished: false };
}

async function workPage(ports: ReplayPorts, { replay, types }: ReplayInHand): Promise<ReplayInHand> {
  const isAbandoned = ports.knownWebhook(replay).kind === "deleted";
  const page = isAbandoned ? [] : await ports.replays.readPage(replay, types, PAGE_ROWS_MAX);
  if (page.length === 0) {
    await logProgress(ports, "replay.finished", replay, finishedProgress(replay, isAbandoned));
    return { replay, types, isFinished: true };
  }
  const { events, progress } = planReplayPage(replay, page, await ingestRange(ports.connection), ports.nowMs());
  await ports.writeLog(events);
  crashPoint("scheduler.page-logged");
  await logProgress(ports, "replay.progressed", replay, progress);
  ports.events.replayed(events.length, page.length - events.length);
  return { replay: { ...replay, ...progress }, types, isFinished: false };
}

async function logProgress(
  ports: ReplayPorts,
  kind: "replay.progressed" | "replay.finished",
  { id, orgId }: Replay,
  progress: ReturnType<typeof finishedProgress>,
): Promise<void> {
  await ports.writeLog([{ kind, orgId, atMs: ports.nowMs(), replayId: id, progress }]);
}

async function ingestRange(connection: BusConnection): Promise<IngestRange> {
  const { epochMs, firstSequence } = await streamPosition(connection, "INGEST");
  return { epochMs, firstSequence };
}

/** The projection says so by now. */
function forgetFinished(tenure: Tenure, running: readonly Replay[]): void {
  for (const replayId of tenure.replays.keys()) {
    if (!running.some(({ id }) => id === replayId)) tenure.replays.delete(replayId);
  }
}
