/** A delivery's state from what a table keeps of it: the way back from the columns that every reader goes. */

import { DELIVERY_STATUSES, type DeliveryState, type Progress } from "./delivery-state.ts";
import { parseCancelReason, parseDeferReason, parseExhaustReason, parseSkipReason } from "./reasons.ts";

/** Besides the progress. */
export type KeptState = {
  readonly status: string;
  readonly reason: string | undefined;
  /** When a retry is due, or what is parked is released at the latest. */
  readonly nextAtMs: number | undefined;
  readonly completedAtMs: number | undefined;
  readonly isOnly: boolean;
};

/** Undefined when no event could have made such a state: somebody else has written there. */
export function restoredState(kept: KeptState, progress: Progress): DeliveryState | undefined {
  const { nextAtMs, completedAtMs, isOnly, reason = "" } = kept;
  const kind = DELIVERY_STATUSES.find((status) => status === kept.status);
  switch (kind) {
    case undefined:
      return undefined;
    case "pending":
      return { kind, progress };
    case "scheduled":
      return nextAtMs === undefined ? undefined : { kind, progress, nextAtMs, isOnly };
    case "parked": {
      const why = parseDeferReason(reason);
      if (why === undefined || nextAtMs === undefined) return undefined;
      // Only the row that waits has to know whether it may have been sent, and it is written with the deferral.
      return { kind, progress, reason: why, notBeforeMs: nextAtMs, isOnly, mayHaveBeenSent: false };
    }
    default:
      return completedAtMs === undefined ? undefined : endedState(kind, reason, completedAtMs, progress);
  }
}

function endedState(
  kind: "delivered" | "exhausted" | "cancelled" | "skipped",
  reason: string,
  completedAtMs: number,
  progress: Progress,
): DeliveryState | undefined {
  const end = { progress, completedAtMs };
  switch (kind) {
    case "delivered":
      return { kind, ...end };
    case "exhausted": {
      const why = parseExhaustReason(reason);
      return why === undefined ? undefined : { kind, ...end, reason: why };
    }
    case "cancelled": {
      const why = parseCancelReason(reason);
      return why === undefined ? undefined : { kind, ...end, reason: why };
    }
    case "skipped": {
      const why = parseSkipReason(reason);
      return why === undefined ? undefined : { kind, ...end, reason: why };
    }
    default:
      return kind satisfies never;
  }
}
