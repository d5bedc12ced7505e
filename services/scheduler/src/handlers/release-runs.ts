/**
 * Releases the deliveries of ordered webhooks in runs, one at a time for each webhook. The rows of a run stay, claimed,
 * until the projection has what came of them: the next run begins behind that, whoever owns the partition by then.
 */

import type { WebhookId, WorkItem } from "@posthorn/domain";
import { messageAt, oldestStoredAtMs } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { mayBeRepeatedParked, releasedItem, termsOf, type WaitingDelivery } from "../core/release.ts";
import { planRun, RUN_LENGTH_MAX, type RunBlock, type RunRow, runLengthAfter } from "../core/run-plan.ts";
import { RUN_AHEAD_MS, type Slot, takeSlots } from "../core/slots.ts";
import type { RunRows } from "../io/run-rows.ts";
import { caughtUp, type LogEnds, readLogEnds } from "./await-projection.ts";
import { advanceFrontier, type FrontierPorts } from "./find-frontier.ts";
import type { OpenLane } from "./lane-board.ts";
import { PUBLISH_MS_MAX, publishDeadlineMs, publishItem } from "./publish-released.ts";
import { isProbeWanted, type LanePorts, noteProbe } from "./release-lanes.ts";
import { freeSlotsOf } from "./release-slots.ts";
import type { RunState, Tenure } from "./tenure.ts";

export type RunPorts = LanePorts & FrontierPorts & { readonly runs: RunRows };
export type RunLane = OpenLane<Extract<OpenLane["mode"], { kind: "run" }>>;
type RunUnderWay = Extract<RunState, { kind: "under-way" }>;

/** While a run is under way its claim is renewed. */
const CLAIM_MS = 60_000;
/** A run that lasts is looked for in the stream this often. */
const LOOK_EVERY_MS = 5_000;
/** How far the clock of NATS may be ahead of this process's. */
const CLOCK_SKEW_MS_MAX = 5_000;
/** A head that has to wait is read again after this long. */
const BLOCKED_LOOK_MS = 500;

/** @returns how many deliveries it released. */
export async function releaseRuns(
  ports: RunPorts,
  lanes: readonly RunLane[],
  tenures: readonly Tenure[],
): Promise<number> {
  const released = await Promise.all(
    tenures.map((tenure) =>
      releaseRunsOf(
        ports,
        tenure,
        lanes.filter((open) => open.tenure === tenure),
      ),
    ),
  );
  return sum(released);
}

async function releaseRunsOf(ports: RunPorts, tenure: Tenure, lanes: readonly RunLane[]): Promise<number> {
  await Promise.all([...tenure.runs].map(([webhookId, run]) => followRun(ports, tenure, webhookId, run)));
  forgetEmpty(tenure, lanes);
  const nowMs = ports.nowMs();
  const ready = lanes.filter(({ lane }) => isReadyToLook(tenure.runs.get(lane.webhookId), nowMs));
  if (ready.length === 0) return 0;
  await notePredecessor(ports, tenure);
  const first = await Promise.all(ready.map((open) => startRun(ports, open)));
  const known = ready.filter((_, index) => first[index] === "beyond-frontier");
  if (known.length === 0) return sum(first.map(releasedBy));
  await advanceFrontier(ports, tenure);
  const second = await Promise.all(known.map((open) => startRun(ports, open)));
  return sum([...first, ...second].map(releasedBy));
}

/** What is left of a webhook without parked deliveries, one retry at most, is parked when it is due, and seen then. */
function forgetEmpty({ runs }: Tenure, lanes: readonly RunLane[]): void {
  const inLanes = new Set(lanes.map(({ lane }) => lane.webhookId));
  for (const [webhookId, { kind }] of runs) {
    if (kind === "idle" && !inLanes.has(webhookId)) runs.delete(webhookId);
  }
}

function isReadyToLook(run: RunState | undefined, nowMs: number): boolean {
  if (run === undefined) return true;
  // A wait that seems to be longer than any is one that a clock was set back in.
  return run.kind === "idle" && (nowMs >= run.lookAgainAtMs || run.lookAgainAtMs - nowMs > BLOCKED_LOOK_MS);
}

/** Notes that a run has ended, or that its message is lost. */
async function followRun(ports: RunPorts, tenure: Tenure, webhookId: WebhookId, run: RunState): Promise<void> {
  if (run.kind === "idle") return;
  const { unchanged, waitAgain } = await ports.runs.standingOf(run.parts);
  if (unchanged === 0) {
    const lengthMax = runLengthAfter(run.lengthMax, waitAgain > 0);
    tenure.runs.set(webhookId, { kind: "idle", lengthMax, lookAgainAtMs: 0 });
    return;
  }
  const nowMs = ports.nowMs();
  if (run.goneAtLogEnd !== undefined) await judgeGoneRun(ports, tenure, webhookId, run, run.goneAtLogEnd);
  else if (nowMs - run.lookedAtMs >= LOOK_EVERY_MS) {
    tenure.runs.set(webhookId, await lookForRun(ports, tenure, run, nowMs));
  }
}

async function lookForRun(ports: RunPorts, tenure: Tenure, run: RunUnderWay, nowMs: number): Promise<RunState> {
  if (!(await isQueued(ports, tenure.partition, run))) {
    return { ...run, goneAtLogEnd: await readLogEnds(ports.connection, [tenure.partition]) };
  }
  await ports.rows.holdClaim(run.parts, nowMs + CLAIM_MS);
  return { ...run, lookedAtMs: nowMs };
}

/** What the projection does not know of, though it holds all that the log held when the message was gone, was lost. */
async function judgeGoneRun(
  ports: RunPorts,
  tenure: Tenure,
  webhookId: WebhookId,
  { parts, lengthMax }: RunUnderWay,
  logEnd: LogEnds,
): Promise<void> {
  if ((await caughtUp(ports.pool, logEnd)).length === 0) return;
  if ((await ports.runs.standingOf(parts)).unchanged === 0) return;
  // The expired claim tells the next release that it may be a repeat.
  await ports.rows.holdClaim(parts, 0);
  tenure.runs.set(webhookId, { kind: "idle", lengthMax, lookAgainAtMs: 0 });
}

async function isQueued(ports: RunPorts, partition: number, run: RunUnderWay): Promise<boolean> {
  if (run.sequence !== undefined) return (await messageAt(ports.connection, "RETRY", run.sequence)) !== undefined;
  const oldestAtMs = await oldestStoredAtMs(ports.connection, "RETRY", partition);
  return oldestAtMs !== undefined && oldestAtMs <= run.releasedAtMs + PUBLISH_MS_MAX;
}

/** A former owner's runs are over when all that is queued is younger than this tenure, and the projection past that. */
async function notePredecessor(ports: RunPorts, tenure: Tenure): Promise<void> {
  if (tenure.isPredecessorDone) return;
  if (tenure.predecessorLogEnd === undefined) {
    const oldestAtMs = await oldestStoredAtMs(ports.connection, "RETRY", tenure.partition);
    if (oldestAtMs !== undefined && oldestAtMs <= tenure.sinceMs + CLOCK_SKEW_MS_MAX) return;
    tenure.predecessorLogEnd = await readLogEnds(ports.connection, [tenure.partition]);
  }
  tenure.isPredecessorDone = (await caughtUp(ports.pool, tenure.predecessorLogEnd)).length > 0;
}

type Started = { readonly kind: "released"; readonly deliveries: number } | "beyond-frontier" | "nothing";

function releasedBy(started: Started): number {
  return typeof started === "object" ? started.deliveries : 0;
}

async function startRun(ports: RunPorts, open: RunLane): Promise<Started> {
  const { lane, mode, tenure } = open;
  const { partition, webhookId } = lane;
  const nowMs = ports.nowMs();
  if (mode.isProbe && !(await isProbeWanted(ports, open, nowMs))) return "nothing";
  const lengthMax = tenure.runs.get(webhookId)?.lengthMax ?? RUN_LENGTH_MAX;
  const free = mode.ratePerS === undefined ? undefined : freeSlotsFor(ports, open, mode.ratePerS, nowMs);
  const rowsMax = Math.min(mode.isProbe ? 1 : lengthMax, free?.count ?? RUN_LENGTH_MAX);
  if (rowsMax === 0) return "nothing";
  const head = await ports.runs.readHead(partition, webhookId, rowsMax, nowMs);
  const rows = head.map((row) => ({ ...row, isClaimed: row.isClaimed && !isVoid(row, tenure) }));
  const { run, blockedBy } = planRun(rows, tenure.frontier, nowMs, rowsMax);
  if (run.length > 0) return publishRun(ports, open, run, slotsOf(open, free, run.length), lengthMax);
  tenure.runs.set(webhookId, { kind: "idle", lengthMax, lookAgainAtMs: lookAgainAt(blockedBy, nowMs) });
  return blockedBy?.kind === "frontier" ? "beyond-frontier" : "nothing";
}

function lookAgainAt(blockedBy: RunBlock | undefined, nowMs: number): number {
  const soonMs = nowMs + BLOCKED_LOOK_MS;
  if (blockedBy?.kind === "frontier") return nowMs;
  return blockedBy?.kind === "time" ? Math.min(blockedBy.untilMs, soonMs) : soonMs;
}

/** Retries may also be claimed by whoever parks those that are due: their claims are always left to run out. */
function isVoid({ waiting }: RunRow, tenure: Tenure): boolean {
  return tenure.isPredecessorDone && waiting.kind === "parked";
}

type FreeSlots = { readonly ratePerS: number; readonly firstMs: number; readonly count: number };

function freeSlotsFor(ports: RunPorts, { lane, tenure }: RunLane, ratePerS: number, nowMs: number): FreeSlots {
  return { ratePerS, ...freeSlotsOf(ports, tenure, lane.webhookId, ratePerS, nowMs, RUN_AHEAD_MS) };
}

function slotsOf({ lane, tenure }: RunLane, free: FreeSlots | undefined, count: number): readonly Slot[] {
  if (free === undefined) return [];
  const { slots, nextMs } = takeSlots(free.ratePerS, free.firstMs, count);
  tenure.slots.set(lane.webhookId, nextMs);
  return slots;
}

async function publishRun(
  ports: RunPorts,
  open: RunLane,
  run: readonly WaitingDelivery[],
  slots: readonly Slot[],
  lengthMax: number,
): Promise<Started> {
  const { lane, tenure, mode } = open;
  const deadlineAtMs = publishDeadlineMs(ports);
  const nowMs = ports.nowMs();
  const item = runItem(ports, open, run, slots);
  if (item === undefined || !(await ports.runs.claim(run, nowMs, nowMs + CLAIM_MS))) return "nothing";
  crashPoint("scheduler.run-claimed");
  if (mode.isProbe) noteProbe(ports, open, item, nowMs);
  const fate = await publishItem(ports, item, deadlineAtMs);
  const sequence = fate.kind === "unknown" ? undefined : fate.sequence;
  const parts = run.map(({ deliveryId, attempt, release }) => ({ deliveryId, attempt, release }));
  const timing = { releasedAtMs: nowMs, lookedAtMs: nowMs, goneAtLogEnd: undefined };
  tenure.runs.set(lane.webhookId, { kind: "under-way", lengthMax, parts, sequence, ...timing });
  if (fate.kind !== "stored") return "nothing";
  for (const waiting of run) ports.events.released("run", nowMs - waiting.dueAtMs);
  return { kind: "released", deliveries: run.length };
}

/** One message: the first delivery's item, and behind it those that follow. */
function runItem(
  ports: RunPorts,
  { mode }: RunLane,
  run: readonly WaitingDelivery[],
  slots: readonly Slot[],
): WorkItem | undefined {
  const items = run.map((waiting, index) =>
    releasedItem(waiting, {
      configRevision: ports.configRevision(),
      possibleRepeat: mayBeRepeatedParked(waiting),
      terms: termsOf(waiting.circuit, { isProbe: mode.isProbe, slot: slots[index] }),
    }),
  );
  const [first, ...followers] = items;
  return first === undefined ? undefined : { ...first, followers };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
