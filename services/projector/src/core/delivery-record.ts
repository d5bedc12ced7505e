/** One delivery as the projection knows it: its state, and what never changes about it. */

import {
  type DeliveryFact,
  type DeliveryIdentity,
  type DeliveryOrigin,
  type DeliveryState,
  evolve,
  isFinal,
  type PayloadPlace,
  type ProfileName,
  UNKNOWN_DELIVERY,
} from "@posthorn/domain";
import type { LogPosition } from "./checkpoint.ts";

/** What `created` or `skipped` says. */
export type Creation = {
  readonly eventType: string;
  readonly profile: ProfileName;
  readonly eventTypePrefix: string;
  readonly origin: DeliveryOrigin;
  readonly acceptedAtMs: number;
  readonly place: PayloadPlace;
  readonly traceparent: string;
};

export type DeliveryRecord = DeliveryIdentity & {
  /** Undefined as long as only other events of the delivery have been seen. */
  readonly creation: Creation | undefined;
  /** When it was created; until that is seen, when the first event that was seen happened. */
  readonly createdAtMs: number;
  readonly state: DeliveryState;
  /** The messages whose events made the record what it is, in log order. */
  readonly log: readonly LogPosition[];
};

export function stateOf(record: DeliveryRecord | undefined): DeliveryState {
  return record?.state ?? UNKNOWN_DELIVERY;
}

/**
 * Whole, and under way: nobody but the projector touches such a row. Retention may forget those that have ended, test
 * sends, and what was never seen to be created.
 */
export function isUnderWay({ creation, state }: DeliveryRecord): boolean {
  return creation !== undefined && creation.origin.kind !== "test" && !isFinal(state);
}

/**
 * The record after an event, and the very same record when the event changes nothing, which is what happens when a
 * message is read again. Undefined: the event says nothing from which a record could be made.
 */
export function applyEvent(
  record: DeliveryRecord | undefined,
  event: DeliveryFact,
  position: LogPosition,
): DeliveryRecord | undefined {
  const before = stateOf(record);
  const state = evolve(before, event);
  const creation = record?.creation ?? creationOf(event);
  if (state === before && creation === record?.creation) return record;
  const { orgId, eventId, deliveryId, webhookId } = event;
  const isCreatedNow = creation !== record?.creation;
  return {
    orgId,
    eventId,
    deliveryId,
    webhookId,
    creation,
    createdAtMs: isCreatedNow ? event.atMs : (record?.createdAtMs ?? event.atMs),
    state,
    log: withPosition(record?.log ?? [], position),
  };
}

function creationOf(event: DeliveryFact): Creation | undefined {
  if (event.kind !== "delivery.created" && event.kind !== "delivery.skipped") return undefined;
  const { type, acceptedAtMs, place, traceparent } = event.event;
  const { profile, eventTypePrefix, origin } = event;
  return { eventType: type, profile, eventTypePrefix, origin, acceptedAtMs, place, traceparent };
}

function withPosition(log: readonly LogPosition[], position: LogPosition): readonly LogPosition[] {
  const last = log.at(-1);
  return last?.sequence === position.sequence && last.epochMs === position.epochMs ? log : [...log, position];
}
