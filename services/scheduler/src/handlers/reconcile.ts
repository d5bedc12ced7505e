/** Makes work items again that got lost: see `core/reconcile.ts` for which. */

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
import { hasLostItsWork, type QueueFacts } from "../core/reconcile.ts";
import type { SchedulerEvents } from "../events.ts";
import { type Candidate, findCandidates } from "../io/open-deliveries.ts";

export type ReconcilePorts = {
  readonly pool: OpenDatabase["pool"];
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly events: SchedulerEvents;
  readonly reconcileAfterMs: number;
  readonly nowMs: () => number;
};

export async function reconcile(ports: ReconcilePorts, partition: number): Promise<void> {
  const candidates = await findCandidates(ports.pool, partition, ports.nowMs() - ports.reconcileAfterMs);
  if (candidates.length === 0) return;
  const queue = await queueFacts(ports.connection, partition);
  const lost = candidates.filter(({ item, lastEventAtMs }) =>
    hasLostItsWork({ place: item.place, lastEventAtMs }, queue),
  );
  await Promise.all(lost.map((candidate) => enqueueAgain(ports, candidate)));
}

async function queueFacts(connection: BusConnection, partition: number): Promise<QueueFacts> {
  const [{ epochMs }, sequence, deliver, retry] = await Promise.all([
    streamPosition(connection, "INGEST"),
    workedUpTo(connection, "matcher", "INGEST", partition),
    oldestStoredAtMs(connection, "DELIVER", partition),
    oldestStoredAtMs(connection, "RETRY", partition),
  ]);
  const queued = [deliver, retry].filter((atMs) => atMs !== undefined);
  return {
    matchedUpTo: { epochMs, sequence },
    oldestQueuedAtMs: queued.length === 0 ? undefined : Math.min(...queued),
  };
}

async function enqueueAgain(ports: ReconcilePorts, { item }: Candidate): Promise<void> {
  const { duplicate } = await ports.publisher.publishUntilStored({
    subject: subjectOf("RETRY", partitionOf(item.orgId)),
    payload: encodeWorkItem({ ...item, configRevision: 0, possibleRepeat: true, event: undefined }),
    id: workIdOf(item.deliveryId, item.attempt, item.release),
  });
  if (!duplicate) ports.events.reconciled(item.deliveryId);
}
