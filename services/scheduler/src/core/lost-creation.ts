/**
 * What to log of a delivery that waits for an attempt although LOG has lost its creation: nothing can be released of
 * it, since nobody knows what to send where. It is created once more if its event and its webhook are known from other
 * deliveries; otherwise its payload cannot be found, and it ends.
 */

import {
  type DeliveryIdentity,
  deliveryIdOf,
  type EventFacts,
  type LogEvent,
  type ProfileName,
} from "@posthorn/domain";

export type UncreatedDelivery = DeliveryIdentity & {
  readonly attemptCount: number;
  readonly release: number;
  /** As other deliveries of the event tell it; undefined: there are none. */
  readonly event: EventFacts | undefined;
  /** Of the webhook's latest delivery that has one; undefined: there is none. */
  readonly rendering: { readonly profile: ProfileName; readonly eventTypePrefix: string } | undefined;
};

export function wordOnLostCreation(delivery: UncreatedDelivery, nowMs: number): LogEvent {
  const { orgId, eventId, deliveryId, webhookId, attemptCount, release, event, rendering } = delivery;
  const identity = { orgId, eventId, deliveryId, webhookId };
  // The id of a replay's delivery says nothing of the replay.
  const isOfMatch = deliveryId === deliveryIdOf(eventId, webhookId);
  if (event === undefined || rendering === undefined || !isOfMatch) {
    const attempt = attemptCount + 1;
    return { ...identity, atMs: nowMs, kind: "delivery.exhausted", attempt, release, reason: "payload_gone" };
  }
  const order = { event, ...rendering, origin: { kind: "match" }, hold: undefined } as const;
  return { ...identity, atMs: event.acceptedAtMs, kind: "delivery.created", ...order };
}
