/**
 * Releases what is due: claim, publish, await, forget. Whoever dies in between leaves a claim behind; when it has run
 * out the next release says of itself that it may be a repeat.
 */

import { encodeWorkItem } from "@posthorn/contracts";
import { partitionOf, workIdOf } from "@posthorn/domain";
import { type Publisher, subjectOf } from "@posthorn/message-bus";
import { releasedItem, type WaitingDelivery } from "../core/release.ts";
import type { SchedulerEvents } from "../events.ts";
import { CLAIM_ROWS_MAX, type DueDeliveries } from "../io/due-deliveries.ts";

export type ReleasePorts = {
  readonly due: DueDeliveries;
  readonly publisher: Publisher;
  /** What this process has seen of the configuration. */
  readonly configRevision: () => number;
  readonly isPaused: (waiting: Pick<WaitingDelivery, "orgId" | "webhookId">) => boolean;
  readonly events: SchedulerEvents;
  readonly startedAtMs: number;
  readonly nowMs: () => number;
};

/** Longer than publishing a page takes; what is not forgotten by then is released again, marked. */
const CLAIM_MS = 30_000;
/** Longer than the stream remembers ids: a later release is stored, and looked at by the fence. */
const KNOWN_ALREADY_CLAIM_MS = 150_000;

/** Releases one page of each partition that has something due. @returns how many deliveries it released. */
export async function releaseDue(ports: ReleasePorts, partitions: readonly number[]): Promise<number> {
  const nowMs = ports.nowMs();
  const due = await ports.due.partitionsDue(nowMs);
  const counts = await Promise.all(
    due
      .filter((partition) => partitions.includes(partition))
      .map(async (partition) => {
        const claimed = await ports.due.claimDue(partition, nowMs, nowMs + CLAIM_MS);
        return release(ports, "due", claimed);
      }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Releases what was parked for a webhook that takes deliveries again, or is gone. */
export async function releaseParked(ports: ReleasePorts, partitions: readonly number[]): Promise<number> {
  const parked = await ports.due.parkedWebhooks();
  const ready = parked.filter((one) => partitions.includes(partitionOf(one.orgId)) && !ports.isPaused(one));
  if (ready.length === 0) return 0;
  const nowMs = ports.nowMs();
  const webhookIds = ready.map((one) => one.webhookId);
  return release(ports, "parked", await ports.due.claimParked(webhookIds, nowMs, nowMs + CLAIM_MS));
}

/** A full page means that more is due: the caller comes again at once. */
export function isFullPage(released: number): boolean {
  return released >= CLAIM_ROWS_MAX;
}

async function release(
  ports: ReleasePorts,
  kind: "due" | "parked",
  claimed: readonly WaitingDelivery[],
): Promise<number> {
  const published = await Promise.all(claimed.map((waiting) => publish(ports, waiting)));
  const stored = claimed.filter((_, index) => published[index] === true);
  const known = claimed.filter((_, index) => published[index] === false);
  if (stored.length > 0) await ports.due.forget(stored);
  if (known.length > 0) await ports.due.holdClaim(known, ports.nowMs() + KNOWN_ALREADY_CLAIM_MS);
  for (const waiting of stored) ports.events.released(kind, ports.nowMs() - waiting.dueAtMs);
  return claimed.length;
}

/** False: the stream knows this work id. That says nothing about its fate: the claim is kept and it is asked again. */
async function publish(ports: ReleasePorts, waiting: WaitingDelivery): Promise<boolean> {
  const item = releasedItem(waiting, ports.startedAtMs, ports.configRevision());
  const { duplicate } = await ports.publisher.publishUntilStored({
    subject: subjectOf("RETRY", partitionOf(item.orgId)),
    payload: encodeWorkItem(item),
    id: workIdOf(item.deliveryId, item.attempt, item.release),
  });
  if (duplicate) ports.events.releaseKnownAlready();
  return !duplicate;
}
