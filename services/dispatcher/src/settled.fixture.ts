/** What the projector would answer to the fence, for tests only. */

import type { AttemptRef } from "@posthorn/contracts";
import type { LogEvent } from "@posthorn/domain";

/** Whether a work item needs no further work, as the one who answers for the projector sees it. */
export type IsSettled = (log: readonly LogEvent[], asked: AttemptRef) => boolean;

export const byTheLog: IsSettled = (log, { deliveryId, attempt, release }) =>
  log.some((event) => {
    if (!("deliveryId" in event) || event.deliveryId !== deliveryId) return false;
    switch (event.kind) {
      case "attempt.succeeded":
      case "attempt.failed":
        return event.attempt.number >= attempt;
      case "delivery.deferred":
        return event.release > release;
      case "delivery.exhausted":
      case "delivery.cancelled":
        return true;
      default:
        return false;
    }
  });
