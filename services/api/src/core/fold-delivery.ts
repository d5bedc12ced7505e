/** A delivery as its log tells it, for those who cannot wait until it has been projected. */

import { type DeliveryEvent, type DeliveryState, evolve, UNKNOWN_DELIVERY } from "@posthorn/domain";
import { attemptsIn } from "./archived-attempts.ts";
import type { Attempt, Delivery } from "./present-delivery.ts";

export type FoldedDelivery = { readonly delivery: Delivery; readonly attempts: readonly Attempt[] };

/** Undefined when the events do not tell of the delivery's creation. */
export function foldDelivery(events: readonly DeliveryEvent[]): FoldedDelivery | undefined {
  const created = events.find((event) => event.kind === "delivery.created");
  const state = events.reduce(evolve, UNKNOWN_DELIVERY);
  if (created === undefined || state.kind === "unknown") return undefined;
  const { lastAttempt, attemptCount } = state.progress;
  const delivery: Delivery = {
    id: created.deliveryId,
    eventId: created.eventId,
    webhookId: created.webhookId,
    eventType: created.event.type,
    status: state.kind,
    reason: reasonOf(state),
    attemptCount,
    nextAttemptAtMs: undefined,
    lastStatusCode: lastAttempt?.statusCode,
    lastErrorClass: lastAttempt?.failure?.errorClass,
    errorMessage: lastAttempt?.failure?.message,
    replayOf: created.origin.kind === "replay" ? created.origin.replayOf : undefined,
    isTest: created.origin.kind === "test",
    createdAtMs: created.atMs,
    completedAtMs: "completedAtMs" in state ? state.completedAtMs : undefined,
  };
  return { delivery, attempts: attemptsIn(events) };
}

function reasonOf(state: DeliveryState): string | undefined {
  return "reason" in state ? state.reason : undefined;
}
