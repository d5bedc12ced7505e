/**
 * Releases retries by their time. Those of a webhook whose deliveries are released in a lane of their own (open
 * circuit, rate limit, order) are parked instead: the log says so, and the projection moves them there.
 */

import { type DeferReason, type DeliveryEvent, decide, stateOfWork, type WebhookId } from "@posthorn/domain";
import { crashPoint } from "@posthorn/service-runtime";
import { type KnownWebhook, parkingOf } from "../core/lane-mode.ts";
import { mayBeRepeatedRetry, releasedItem, termsOf, type WaitingDelivery } from "../core/release.ts";
import { DUE_ROWS_MAX, type DueDeliveries } from "../io/due-deliveries.ts";
import type { WriteLog } from "../io/log-writer.ts";
import { CLAIM_MS, type PublishPorts, publishDeadlineMs, publishReleased, type Released } from "./publish-released.ts";

export type ReleasePorts = PublishPorts & {
  readonly rows: DueDeliveries;
  readonly writeLog: WriteLog;
  readonly knownWebhook: (waiting: Pick<WaitingDelivery, "orgId" | "webhookId">) => KnownWebhook;
  /** Ordered webhooks whose runs this process releases: it takes their retries up by itself, at their time. */
  readonly inRuns: () => readonly WebhookId[];
  readonly startedAtMs: number;
};

/** Releases one page of each partition that has something due. @returns how many deliveries it took. */
export async function releaseDue(ports: ReleasePorts, partitions: readonly number[]): Promise<number> {
  if (partitions.length === 0) return 0;
  const due = await ports.rows.partitionsDue(partitions, ports.nowMs());
  const pages = await Promise.allSettled(due.map((partition) => releasePage(ports, partition)));
  // All have ended before one fails the round: the next round must not overtake them.
  return pages.reduce((sum, page) => {
    if (page.status === "rejected") throw page.reason;
    return sum + page.value;
  }, 0);
}

/** A full page means that more is due: the caller comes again at once. */
export function isFullPage(released: number): boolean {
  return released >= DUE_ROWS_MAX;
}

async function releasePage(ports: ReleasePorts, partition: number): Promise<number> {
  const deadlineAtMs = publishDeadlineMs(ports);
  const nowMs = ports.nowMs();
  const claimed = await ports.rows.claimDue(partition, nowMs, nowMs + CLAIM_MS, ports.inRuns());
  if (claimed.length > 0) crashPoint("scheduler.claimed");
  const released: Released[] = [];
  const parked: { waiting: WaitingDelivery; reason: DeferReason }[] = [];
  for (const waiting of claimed) {
    const reason = parkingOf(ports.knownWebhook(waiting), waiting.circuit);
    if (reason !== undefined) parked.push({ waiting, reason });
    else released.push({ waiting, item: itemOf(ports, waiting, nowMs) });
  }
  await publishReleased(ports, "due", released, deadlineAtMs);
  await ports.writeLog(parked.flatMap(({ waiting, reason }) => parkingEvents(waiting, reason, nowMs)));
  return claimed.length;
}

function itemOf(ports: ReleasePorts, waiting: WaitingDelivery, nowMs: number) {
  return releasedItem(waiting, {
    configRevision: ports.configRevision(),
    possibleRepeat: mayBeRepeatedRetry(waiting, nowMs, ports.startedAtMs),
    terms: termsOf(waiting.circuit),
  });
}

/** The claims are left as they are: the projection replaces the rows. */
export function parkingEvents(
  waiting: Pick<
    WaitingDelivery,
    "orgId" | "eventId" | "deliveryId" | "webhookId" | "acceptedAtMs" | "attempt" | "release" | "mayHaveBeenSent"
  >,
  reason: DeferReason,
  nowMs: number,
): readonly DeliveryEvent[] {
  const { orgId, eventId, deliveryId, webhookId, acceptedAtMs, attempt, release, mayHaveBeenSent } = waiting;
  const identity = { orgId, eventId, deliveryId, webhookId };
  const command = { kind: "defer", reason, notBeforeMs: nowMs, acceptedAtMs, mayHaveBeenSent } as const;
  return decide(identity, command, stateOfWork(attempt, release), nowMs);
}
