/** Finds what the messages of the archive say of one delivery and of its attempts. */

import type { DeliveryEvent, DeliveryId, LogEvent, OrgId } from "@posthorn/domain";
import type { Exchange } from "./present-delivery.ts";

export type WantedAttempt = {
  readonly orgId: OrgId;
  readonly deliveryId: DeliveryId;
  readonly number: number;
  readonly startedAtMs: number;
};

/** @param events of a message, which holds those of other deliveries and organisations too. */
export function eventsOfDelivery(
  events: readonly LogEvent[],
  orgId: OrgId,
  deliveryId: DeliveryId,
): readonly DeliveryEvent[] {
  return events.filter(
    (event): event is DeliveryEvent =>
      event.orgId === orgId && "deliveryId" in event && event.deliveryId === deliveryId,
  );
}

/**
 * @param events of the message that the attempt was recorded in. It holds those of other deliveries and organisations
 * too, and a repeated attempt may stand beside the one that counts: the start tells them apart.
 */
export function findExchange(events: readonly LogEvent[], wanted: WantedAttempt): Exchange | undefined {
  for (const event of eventsOfDelivery(events, wanted.orgId, wanted.deliveryId)) {
    if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") continue;
    const { attempt } = event;
    if (attempt.number !== wanted.number || attempt.startedAtMs !== wanted.startedAtMs) continue;
    return {
      url: attempt.url,
      requestHeaders: attempt.requestHeaders,
      responseHeaders: attempt.responseHeaders,
      responseBody: attempt.responseBody,
      responseTruncated: attempt.responseTruncated,
      errorMessage: event.kind === "attempt.failed" ? event.errorMessage : undefined,
    };
  }
  return undefined;
}
