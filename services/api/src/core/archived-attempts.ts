/** Finds what the messages of the archive say of one delivery, and its attempts in that. */

import type { AttemptFailed, AttemptSucceeded, DeliveryEvent, DeliveryId, LogEvent, OrgId } from "@posthorn/domain";
import type { Attempt } from "./present-delivery.ts";

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
 * In the order of their numbers. An attempt that was made more than once has several outcomes, of which the first one
 * counts.
 * @param events of one delivery, in the order of the log.
 */
export function attemptsIn(events: readonly DeliveryEvent[]): readonly Attempt[] {
  const attempts = new Map<number, Attempt>();
  for (const event of events) {
    if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") continue;
    if (!attempts.has(event.attempt.number)) attempts.set(event.attempt.number, attemptOf(event));
  }
  return [...attempts.values()].sort((one, other) => one.number - other.number);
}

function attemptOf(event: AttemptSucceeded | AttemptFailed): Attempt {
  const { attempt } = event;
  const hasFailed = event.kind === "attempt.failed";
  return {
    number: attempt.number,
    startedAtMs: attempt.startedAtMs,
    durationMs: attempt.durationMs,
    outcome: hasFailed ? "failed" : "succeeded",
    statusCode: attempt.statusCode,
    errorClass: hasFailed ? event.errorClass : undefined,
    errorMessage: hasFailed ? event.errorMessage : undefined,
    url: attempt.url,
    requestHeaders: attempt.requestHeaders,
    responseHeaders: attempt.responseHeaders,
    responseBody: attempt.responseBody,
    responseTruncated: attempt.responseTruncated,
  };
}
