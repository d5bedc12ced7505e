/**
 * Publishes what was claimed, awaits, and forgets what is stored. Whoever dies in between leaves a claim behind; when
 * it has run out the next release says of itself that it may be a repeat.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { encodeWorkItem } from "@posthorn/contracts";
import { partitionOf, type WorkItem, workIdOf } from "@posthorn/domain";
import { type Published, type Publisher, type PublishRequest, subjectOf } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import type { WaitingDelivery } from "../core/release.ts";
import type { ReleaseKind, SchedulerEvents } from "../events.ts";
import type { ClaimedRows } from "../io/due-deliveries.ts";

export type PublishPorts = {
  readonly rows: ClaimedRows;
  readonly publisher: Pick<Publisher, "publish">;
  /** What this process has seen of the configuration. */
  readonly configRevision: () => number;
  readonly events: SchedulerEvents;
  readonly nowMs: () => number;
  /** Time that no clock setting moves and that goes on while this process is frozen. */
  readonly monotonicMs: () => number;
};

export type Released = { readonly waiting: WaitingDelivery; readonly item: WorkItem };

/** What is not forgotten by the end of its claim is released again, marked. */
export const CLAIM_MS = 30_000;
/** Counted from before the claim. Later nothing is published for rows that somebody else may hold by then. */
export const PUBLISH_MS_MAX = 20_000;
/** A full stream is asked again after this long. */
const REFUSED_WAIT_MS = 500;
/** Longer than the stream remembers ids: a later release is stored, and looked at by the fence. */
const KNOWN_ALREADY_CLAIM_MS = 150_000;

/** Taken before a claim is made. */
export function publishDeadlineMs(ports: Pick<PublishPorts, "monotonicMs">): number {
  return ports.monotonicMs() + PUBLISH_MS_MAX;
}

export async function publishReleased(
  ports: PublishPorts,
  kind: ReleaseKind,
  released: readonly Released[],
  deadlineAtMs: number,
): Promise<void> {
  const fates = await Promise.all(released.map(({ item }) => publishItem(ports, item, deadlineAtMs)));
  const of = (kind: Fate["kind"]) =>
    released.filter((_, index) => fates[index]?.kind === kind).map(({ waiting }) => waiting);
  const [stored, known] = [of("stored"), of("known")];
  if (stored.length > 0) {
    crashPoint("scheduler.released");
    await ports.rows.forget(stored);
  }
  if (known.length > 0) await ports.rows.holdClaim(known, ports.nowMs() + KNOWN_ALREADY_CLAIM_MS);
  for (const waiting of stored) ports.events.released(kind, ports.nowMs() - waiting.dueAtMs);
}

export type Fate =
  | { readonly kind: "stored"; readonly sequence: number }
  /** The stream knows this work id. That says nothing about its fate: the claim is kept and it is asked again. */
  | { readonly kind: "known"; readonly sequence: number }
  /** Not stored, or nobody can say: the row is left to the end of its claim. */
  | { readonly kind: "unknown" };

export async function publishItem(ports: PublishPorts, item: WorkItem, deadlineAtMs: number): Promise<Fate> {
  const request = {
    subject: subjectOf("RETRY", partitionOf(item.orgId)),
    payload: encodeWorkItem(item),
    // The first one may have been stored, worked off and forgotten by the stream when the second one comes.
    payloadOfRepeat: () => encodeWorkItem(asRepeat(item)),
    id: workIdOf(item.deliveryId, item.attempt, item.release),
  };
  const published = await publishInTime(ports, request, deadlineAtMs);
  if (published.kind !== "stored") return { kind: "unknown" };
  const { sequence } = published;
  if (!published.duplicate) return { kind: "stored", sequence };
  ports.events.releaseKnownAlready();
  return { kind: "known", sequence };
}

function asRepeat(item: WorkItem): WorkItem {
  return { ...item, possibleRepeat: true, followers: item.followers.map(asRepeat) };
}

async function publishInTime(ports: PublishPorts, request: PublishRequest, deadlineAtMs: number): Promise<Published> {
  for (;;) {
    const leftMs = deadlineAtMs - ports.monotonicMs();
    if (leftMs <= 0) return { kind: "unknown" };
    const published = await ports.publisher.publish(request, leftMs);
    if (published.kind !== "refused") return published;
    await sleep(REFUSED_WAIT_MS);
  }
}
