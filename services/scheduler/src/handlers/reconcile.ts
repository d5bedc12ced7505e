/**
 * Makes work items again that got lost: see `core/reconcile.ts` for which. What looks lost is looked at once more
 * behind everything that the log holds by then, because whoever works off an item logs what came of it first.
 */

import { encodeWorkItem } from "@posthorn/contracts";
import type { OpenDatabase } from "@posthorn/database";
import { partitionOf, workIdOf } from "@posthorn/domain";
import {
  type BusConnection,
  oldestStoredAtMs,
  type Publisher,
  streamPosition,
  subjectOf,
  workedUpTo,
} from "@posthorn/message-bus";
import { hasLostItsWork, type QueueFacts, type Sightings, sightingsNow } from "../core/reconcile.ts";
import type { SchedulerEvents } from "../events.ts";
import { type Candidate, findCandidates } from "../io/open-deliveries.ts";
import { projectionOfNow } from "./await-projection.ts";

export type ReconcilePorts = {
  readonly pool: OpenDatabase["pool"];
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly events: SchedulerEvents;
  readonly reconcileAfterMs: number;
  readonly nowMs: () => number;
};

/** Looks at a partition; what it has seen it remembers until the next look. */
export type Reconcile = (partition: number) => Promise<void>;

/** Without an answer for this long the item is left to the next look. */
const PUBLISH_MS_MAX = 5_000;

export function createReconcile(ports: ReconcilePorts): Reconcile {
  const sightings = new Map<number, Sightings>();
  return async (partition) => {
    const open = await openWork(ports, partition);
    const queue = open.size === 0 ? NOTHING_QUEUED : await queueFacts(ports.connection, partition);
    const places = [...open].map(([workId, { item }]) => ({ workId, place: item.place }));
    const seen = sightingsNow(sightings.get(partition) ?? new Map(), places, queue, ports.nowMs());
    sightings.set(partition, seen);
    const suspects = [...open.keys()].filter((workId) => hasLostItsWork(workId, seen, queue));
    if (suspects.length === 0 || !(await projectionOfNow(ports.pool, ports.connection, partition))) return;
    const stillOpen = await openWork(ports, partition);
    const lost = suspects.flatMap((workId) => stillOpen.get(workId) ?? []);
    await Promise.all(lost.map((candidate) => enqueueAgain(ports, candidate)));
  };
}

const NOTHING_QUEUED: QueueFacts = { matchedUpTo: { epochMs: 0, sequence: 0 }, oldestQueuedAtMs: undefined };

async function openWork(ports: ReconcilePorts, partition: number): Promise<ReadonlyMap<string, Candidate>> {
  const candidates = await findCandidates(ports.pool, partition, ports.nowMs() - ports.reconcileAfterMs);
  return new Map(candidates.map((candidate) => [workIdOfItem(candidate.item), candidate]));
}

/** First the matcher, then the queues: what it has worked off is stored by then. */
async function queueFacts(connection: BusConnection, partition: number): Promise<QueueFacts> {
  const { epochMs } = await streamPosition(connection, "INGEST");
  const sequence = await workedUpTo(connection, "matcher", "INGEST", partition);
  const oldest = await Promise.all([
    oldestStoredAtMs(connection, "DELIVER", partition),
    oldestStoredAtMs(connection, "RETRY", partition),
  ]);
  const queued = oldest.filter((atMs) => atMs !== undefined);
  return {
    matchedUpTo: { epochMs, sequence },
    oldestQueuedAtMs: queued.length === 0 ? undefined : Math.min(...queued),
  };
}

async function enqueueAgain(ports: ReconcilePorts, { item }: Candidate): Promise<void> {
  const request = {
    subject: subjectOf("RETRY", partitionOf(item.orgId)),
    payload: encodeWorkItem({ ...item, configRevision: 0, possibleRepeat: true, event: undefined }),
    id: workIdOfItem(item),
  };
  const published = await ports.publisher.publish(request, PUBLISH_MS_MAX);
  if (published.kind === "stored" && !published.duplicate) ports.events.reconciled(item.deliveryId);
}

function workIdOfItem({ deliveryId, attempt, release }: Candidate["item"]): string {
  return workIdOf(deliveryId, attempt, release);
}
