/** Finds what the archive says of an attempt. */

import type { DeliveryId, LogEvent, OrgId } from "@posthorn/domain";
import type { Exchange } from "./present-delivery.ts";

export type WantedAttempt = {
  readonly orgId: OrgId;
  readonly deliveryId: DeliveryId;
  readonly number: number;
  readonly startedAtMs: number;
};

/**
 * @param events of the message that the attempt was recorded in. It holds those of other deliveries and organisations
 * too, and a repeated attempt may stand beside the one that counts: the start tells them apart.
 */
export function findExchange(events: readonly LogEvent[], wanted: WantedAttempt): Exchange | undefined {
  for (const event of events) {
    if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") continue;
    const { attempt } = event;
    const isWanted =
      event.orgId === wanted.orgId &&
      event.deliveryId === wanted.deliveryId &&
      attempt.number === wanted.number &&
      attempt.startedAtMs === wanted.startedAtMs;
    if (!isWanted) continue;
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
