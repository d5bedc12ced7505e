/**
 * Releases what is due: claim, publish, await, forget. Whoever dies in between leaves a claim behind; when it has run
 * out the next release says of itself that it may be a repeat.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { encodeWorkItem } from "@posthorn/contracts";
import { partitionOf, workIdOf } from "@posthorn/domain";
import { type Published, type Publisher, type PublishRequest, subjectOf } from "@posthorn/message-bus";
import { releasedItem, type WaitingDelivery } from "../core/release.ts";
import type { SchedulerEvents } from "../events.ts";
import { CLAIM_ROWS_MAX, type DueDeliveries } from "../io/due-deliveries.ts";

export type ReleasePorts = {
  readonly due: DueDeliveries;
  readonly publisher: Pick<Publisher, "publish">;
  /** What this process has seen of the configuration. */
  readonly configRevision: () => number;
  readonly isPaused: (waiting: Pick<WaitingDelivery, "orgId" | "webhookId">) => boolean;
  readonly events: SchedulerEvents;
  readonly startedAtMs: number;
  readonly nowMs: () => number;
  /** Time that no clock setting moves and that goes on while this process is frozen. */
  readonly monotonicMs: () => number;
};

/** What is not forgotten by the end of its claim is released again, marked. */
const CLAIM_MS = 30_000;
/** Counted from before the claim. Later nothing is published for rows that somebody else may hold by then. */
const PUBLISH_MS_MAX = 20_000;
/** A full stream is asked again after this long. */
const REFUSED_WAIT_MS = 500;
/** Longer than the stream remembers ids: a later release is stored, and looked at by the fence. */
const KNOWN_ALREADY_CLAIM_MS = 150_000;

/** Releases one page of each partition that has something due. @returns how many deliveries it released. */
export async function releaseDue(ports: ReleasePorts, partitions: readonly number[]): Promise<number> {
  const due = await ports.due.partitionsDue(ports.nowMs());
  const pages = await Promise.allSettled(
    due
      .filter((partition) => partitions.includes(partition))
      .map((partition) =>
        claimAndRelease(ports, "due", (nowMs, untilMs) => ports.due.claimDue(partition, nowMs, untilMs)),
      ),
  );
  // All have ended before one fails the round: the next round must not overtake them.
  return pages.reduce((sum, page) => {
    if (page.status === "rejected") throw page.reason;
    return sum + page.value;
  }, 0);
}

/** Releases what was parked for a webhook that takes deliveries again, or is gone. */
export async function releaseParked(ports: ReleasePorts, partitions: readonly number[]): Promise<number> {
  const parked = await ports.due.parkedWebhooks();
  const ready = parked.filter((one) => partitions.includes(partitionOf(one.orgId)) && !ports.isPaused(one));
  if (ready.length === 0) return 0;
  const webhookIds = ready.map((one) => one.webhookId);
  return claimAndRelease(ports, "parked", (nowMs, untilMs) => ports.due.claimParked(webhookIds, nowMs, untilMs));
}

/** A full page means that more is due: the caller comes again at once. */
export function isFullPage(released: number): boolean {
  return released >= CLAIM_ROWS_MAX;
}

type Claim = (nowMs: number, claimedUntilMs: number) => Promise<readonly WaitingDelivery[]>;

async function claimAndRelease(ports: ReleasePorts, kind: "due" | "parked", claim: Claim): Promise<number> {
  const deadlineAtMs = ports.monotonicMs() + PUBLISH_MS_MAX;
  const nowMs = ports.nowMs();
  const claimed = await claim(nowMs, nowMs + CLAIM_MS);
  const published = await Promise.all(claimed.map((waiting) => publish(ports, waiting, deadlineAtMs)));
  const fates = (fate: Fate) => claimed.filter((_, index) => published[index] === fate);
  const [stored, known] = [fates("stored"), fates("known")];
  if (stored.length > 0) await ports.due.forget(stored);
  if (known.length > 0) await ports.due.holdClaim(known, ports.nowMs() + KNOWN_ALREADY_CLAIM_MS);
  for (const waiting of stored) ports.events.released(kind, ports.nowMs() - waiting.dueAtMs);
  return claimed.length;
}

type Fate =
  | "stored"
  /** The stream knows this work id. That says nothing about its fate: the claim is kept and it is asked again. */
  | "known"
  /** Not stored, or nobody can say: the row is left to the end of its claim. */
  | "unknown";

async function publish(ports: ReleasePorts, waiting: WaitingDelivery, deadlineAtMs: number): Promise<Fate> {
  const item = releasedItem(waiting, ports.nowMs(), ports.startedAtMs, ports.configRevision());
  const request = {
    subject: subjectOf("RETRY", partitionOf(item.orgId)),
    payload: encodeWorkItem(item),
    // The first one may have been stored, worked off and forgotten by the stream when the second one comes.
    payloadOfRepeat: () => encodeWorkItem({ ...item, possibleRepeat: true }),
    id: workIdOf(item.deliveryId, item.attempt, item.release),
  };
  const published = await publishInTime(ports, request, deadlineAtMs);
  if (published.kind !== "stored") return "unknown";
  if (!published.duplicate) return "stored";
  ports.events.releaseKnownAlready();
  return "known";
}

async function publishInTime(ports: ReleasePorts, request: PublishRequest, deadlineAtMs: number): Promise<Published> {
  for (;;) {
    const leftMs = deadlineAtMs - ports.monotonicMs();
    if (leftMs <= 0) return { kind: "unknown" };
    const published = await ports.publisher.publish(request, leftMs);
    if (published.kind !== "refused") return published;
    await sleep(REFUSED_WAIT_MS);
  }
}
