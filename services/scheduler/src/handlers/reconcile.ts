/**
 * Makes work items again that got lost: see `core/reconcile.ts` for which. What looks lost is looked at once more
 * behind everything that the log holds by then, because whoever works off an item logs what came of it first.
 */

import { encodeWorkItem } from "@posthorn/contracts";
import type { OpenDatabase } from "@posthorn/database";
import { partitionOf, workIdOf } from "@posthorn/domain";
import {
  type BusConnection,
  type Publisher,
  queueEnds,
  streamPosition,
  subjectOf,
  workedUpTo,
} from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { parkingOf } from "../core/lane-mode.ts";
import {
  FIRST_PASS,
  hasLostItsWork,
  nextPass,
  type Pass,
  type QueueFacts,
  withLook,
  withoutSightings,
} from "../core/reconcile.ts";
import { termsOf } from "../core/release.ts";
import type { SchedulerEvents } from "../events.ts";
import type { WriteLog } from "../io/log-writer.ts";
import {
  CANDIDATES_MAX,
  type Candidate,
  type CandidateCursor,
  type CandidatePage,
  findCandidates,
} from "../io/open-deliveries.ts";
import { projectionOfNow } from "./await-projection.ts";
import type { KnowsWebhook } from "./lane-board.ts";
import { parkingEvents } from "./release-due.ts";

export type ReconcilePorts = {
  readonly pool: OpenDatabase["pool"];
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly writeLog: WriteLog;
  readonly knownWebhook: KnowsWebhook;
  readonly events: SchedulerEvents;
  /** How long a delivery has to have stood still, now. */
  readonly quietForMs: () => number;
  readonly nowMs: () => number;
};

/** Looks at a partition; what it has seen it remembers until the next pass. */
export type Reconcile = (partition: number) => Promise<void>;

/** Without an answer for this long the item is left to the next look. */
const PUBLISH_MS_MAX = 5_000;
/** Pages of one look: all are read before the queues are. A longer backlog is gone through in several. */
const PAGES_PER_LOOK_MAX = 20;
/** Deliveries of one pass: they are kept in memory. Behind a backlog larger than this nothing is looked for. */
const PASS_DELIVERIES_MAX = 50_000;

type Progress = { readonly pass: Pass; readonly cursor: CandidateCursor | undefined };

export function createReconcile(ports: ReconcilePorts): Reconcile {
  const progress = new Map<number, Progress>();
  return async (partition) => {
    const { pass, cursor } = progress.get(partition) ?? { pass: FIRST_PASS, cursor: undefined };
    const { candidates, next } = await readPages(ports, partition, cursor);
    const looked = await lookAt(ports, partition, candidates, pass);
    const isWhole = next === undefined || looked.now.size >= PASS_DELIVERIES_MAX;
    progress.set(partition, isWhole ? { pass: nextPass(looked), cursor: undefined } : { pass: looked, cursor: next });
  };
}

async function readPages(
  ports: ReconcilePorts,
  partition: number,
  behind: CandidateCursor | undefined,
): Promise<CandidatePage> {
  const quietSinceMs = ports.nowMs() - ports.quietForMs();
  let page = await findCandidates(ports.pool, partition, quietSinceMs, behind);
  const candidates = [...page.candidates];
  for (let pages = 1; pages < PAGES_PER_LOOK_MAX && page.next !== undefined; pages += 1) {
    page = await findCandidates(ports.pool, partition, quietSinceMs, page.next);
    candidates.push(...page.candidates);
  }
  return { candidates, next: page.next };
}

async function lookAt(
  ports: ReconcilePorts,
  partition: number,
  candidates: readonly Candidate[],
  before: Pass,
): Promise<Pass> {
  if (candidates.length === 0) return before;
  const queue = await queueFacts(ports.connection, partition);
  const places = candidates.map(({ item }) => ({ workId: workIdOfItem(item), place: item.place }));
  let pass = withLook(before, places, queue);
  const suspects = candidates.filter(({ item }) => hasLostItsWork(workIdOfItem(item), pass, queue));
  if (suspects.length === 0 || !(await projectionOfNow(ports.pool, ports.connection, partition))) return pass;
  for (let from = 0; from < suspects.length; from += CANDIDATES_MAX) {
    const stillOpen = await stillWithoutWork(ports, partition, suspects.slice(from, from + CANDIDATES_MAX));
    const carriedOn = await Promise.all(stillOpen.map((candidate) => carryOn(ports, candidate)));
    const madeAgain = stillOpen.filter((_, index) => carriedOn[index]).map(({ item }) => workIdOfItem(item));
    pass = withoutSightings(pass, madeAgain);
  }
  return pass;
}

/** @param suspects a page at most. */
async function stillWithoutWork(
  ports: ReconcilePorts,
  partition: number,
  suspects: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const quietSinceMs = ports.nowMs() - ports.quietForMs();
  const ids = suspects.map(({ item }) => item.deliveryId);
  const { candidates } = await findCandidates(ports.pool, partition, quietSinceMs, undefined, ids);
  const workIds = new Set(suspects.map(({ item }) => workIdOfItem(item)));
  return candidates.filter(({ item }) => workIds.has(workIdOfItem(item)));
}

/** First the matcher, then the queues: what it has worked off is stored by then. */
async function queueFacts(connection: BusConnection, partition: number): Promise<QueueFacts> {
  const { epochMs, lastSequence: ingestEnd } = await streamPosition(connection, "INGEST");
  const sequence = await workedUpTo(connection, "matcher", "INGEST", partition);
  const [deliver, retry] = await Promise.all([
    queueEnds(connection, "dispatcher", "DELIVER", partition),
    queueEnds(connection, "dispatcher", "RETRY", partition),
  ]);
  return { matchedUpTo: { epochMs, sequence }, ingestEnd, deliver, retry };
}

/**
 * What its webhook's lane has to release (rate limit, order, open circuit) is parked again, everything else queued.
 * False: that is not certain.
 */
async function carryOn(ports: ReconcilePorts, candidate: Candidate): Promise<boolean> {
  const { item, circuit } = candidate;
  const reason = parkingOf(ports.knownWebhook(item), circuit);
  if (reason === undefined) return enqueueAgain(ports, candidate);
  await ports.writeLog(parkingEvents(item, reason, ports.nowMs()));
  ports.events.reconciled(item.deliveryId);
  return true;
}

async function enqueueAgain(ports: ReconcilePorts, { item, circuit }: Candidate): Promise<boolean> {
  // What was lost may have been in flight when it was.
  const repeat = { possibleRepeat: true, mayHaveBeenSent: true };
  const again = { ...repeat, configRevision: 0, event: undefined, terms: termsOf(circuit), followers: [] };
  const request = {
    subject: subjectOf("RETRY", partitionOf(item.orgId)),
    payload: encodeWorkItem({ ...item, ...again }),
    id: workIdOfItem(item),
  };
  const published = await ports.publisher.publish(request, PUBLISH_MS_MAX);
  crashPoint("scheduler.reconciled");
  const isStored = published.kind === "stored" && !published.duplicate;
  if (isStored) ports.events.reconciled(item.deliveryId);
  return isStored;
}

function workIdOfItem({ deliveryId, attempt, release }: Candidate["item"]): string {
  return workIdOf(deliveryId, attempt, release);
}
