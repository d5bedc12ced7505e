/**
 * Replays: which deliveries of a range are made again, page by page. The cursor says where the next page begins, so
 * that whoever goes on makes none twice: the new deliveries' ids follow from the old ones and the replay.
 */

import {
  type DeliveryEvent,
  type DeliveryId,
  type DeliveryOrder,
  type DeliveryStatus,
  type EventId,
  limits,
  type OrgId,
  type PayloadPlace,
  patternMatches,
  type ReplayId,
  type ReplayProgress,
  replayedDeliveryIdOf,
  type WebhookId,
} from "@posthorn/domain";

/** A replay that runs, as far as it is projected. */
export type Replay = {
  readonly id: ReplayId;
  readonly orgId: OrgId;
  readonly partition: number;
  readonly webhookId: WebhookId;
  readonly sinceMs: number;
  /** Nothing that was made after the replay began, itself least of all. */
  readonly untilMs: number;
  /** Empty: every status in which a delivery has ended. */
  readonly statuses: readonly DeliveryStatus[];
  /** Patterns; empty: all types. */
  readonly types: readonly string[];
  /** Undefined: not counted yet. */
  readonly total: number | undefined;
  readonly done: number;
  readonly skipped: number;
  readonly cursor: string;
};

/** A delivery in the range. */
export type ReplayedDelivery = {
  readonly deliveryId: DeliveryId;
  readonly eventId: EventId;
  readonly createdAtMs: number;
  readonly hasEnded: boolean;
  /** Undefined: its creation is not known, so it cannot be made again. */
  readonly order: Omit<DeliveryOrder, "origin"> | undefined;
};

export type ReplayPage = { readonly events: readonly DeliveryEvent[]; readonly progress: ReplayProgress };

/** Where INGEST begins: what lies before has no payload any more. */
export type IngestRange = { readonly epochMs: number; readonly firstSequence: number };

/** The types among `existing` that the replay is about. */
export function typesOf(replay: Pick<Replay, "types">, existing: readonly string[]): readonly string[] {
  const { types } = replay;
  return types.length === 0
    ? existing
    : existing.filter((type) => types.some((pattern) => patternMatches(pattern, type)));
}

/** @param page in the order of the cursor. */
export function planReplayPage(
  replay: Replay,
  page: readonly ReplayedDelivery[],
  ingest: IngestRange,
  nowMs: number,
): ReplayPage {
  const events = page.flatMap((delivery) => again(replay, delivery, ingest, nowMs));
  const last = page.at(-1);
  const done = replay.done + events.length;
  const skipped = replay.skipped + page.length - events.length;
  return {
    events,
    progress: {
      // What changes its status meanwhile may leave the selection or come into it.
      total: Math.max(replay.total ?? 0, done + skipped),
      done,
      skipped,
      cursor: last === undefined ? replay.cursor : formatCursor(last),
    },
  };
}

/** Nothing is left to make again: what was counted and not met has left the selection, or nobody wants it any more. */
export function finishedProgress({ total, done, skipped, cursor }: Replay, isAbandoned: boolean): ReplayProgress {
  return isAbandoned
    ? { total: total ?? 0, done, skipped: Math.max(skipped, (total ?? 0) - done), cursor }
    : { total: done + skipped, done, skipped, cursor };
}

function again(
  replay: Replay,
  { deliveryId, eventId, hasEnded, order }: ReplayedDelivery,
  ingest: IngestRange,
  nowMs: number,
): readonly DeliveryEvent[] {
  if (!hasEnded || order === undefined || !canBeSent(order, ingest, nowMs)) return [];
  return [
    {
      kind: "delivery.created",
      orgId: replay.orgId,
      eventId,
      deliveryId: replayedDeliveryIdOf(deliveryId, replay.id),
      webhookId: replay.webhookId,
      atMs: nowMs,
      ...order,
      origin: { kind: "replay", replayId: replay.id, replayOf: deliveryId },
      hold: "replay",
    },
  ];
}

/** Past the horizon a delivery would end as expired at once. */
function canBeSent({ event }: Omit<DeliveryOrder, "origin">, ingest: IngestRange, nowMs: number): boolean {
  return nowMs < event.acceptedAtMs + limits.DELIVERY_HORIZON_MS && isStored(event.place, ingest);
}

function isStored({ epochMs, sequence }: PayloadPlace, ingest: IngestRange): boolean {
  return epochMs === ingest.epochMs && sequence >= ingest.firstSequence;
}

export type ReplayCursor = { readonly createdAtMs: number; readonly deliveryId: string };

function formatCursor({ createdAtMs, deliveryId }: ReplayCursor): string {
  return `${createdAtMs}:${deliveryId}`;
}

/** Undefined before the first page. */
export function parseCursor(text: string): ReplayCursor | undefined {
  const [createdAt = "", deliveryId] = text.split(":");
  return deliveryId === undefined ? undefined : { createdAtMs: Number(createdAt), deliveryId };
}
