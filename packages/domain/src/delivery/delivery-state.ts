/** What is known of one delivery: the fold of its events. */

import type { ErrorClass } from "./outcome.ts";
import type { CancelReason, DeferReason, ExhaustReason, SkipReason } from "./reasons.ts";

/** The last attempt whose outcome counted. */
export type LastAttempt = {
  readonly startedAtMs: number;
  readonly dispatcher: string;
  readonly statusCode: number | undefined;
  readonly failure: { readonly errorClass: ErrorClass; readonly message: string } | undefined;
};

export type Progress = {
  /** Highest attempt with an outcome. */
  readonly attemptCount: number;
  /** How often the delivery has been deferred. */
  readonly release: number;
  readonly lastAttempt: LastAttempt | undefined;
  /** Attempts that were made more than once. */
  readonly repeatedAttempts: number;
};

export type DeliveryState =
  /** No event that says it exists has been seen. */
  | { readonly kind: "unknown"; readonly progress: Progress }
  | { readonly kind: "pending"; readonly progress: Progress }
  | {
      readonly kind: "scheduled";
      readonly progress: Progress;
      readonly nextAtMs: number;
      /** A person asked for the attempt of a delivery that had ended: nothing follows from it. */
      readonly isOnly: boolean;
    }
  | {
      readonly kind: "parked";
      readonly progress: Progress;
      readonly reason: DeferReason;
      readonly notBeforeMs: number;
      /** As of `scheduled`. */
      readonly isOnly: boolean;
      /** See `WorkItem`. */
      readonly mayHaveBeenSent: boolean;
    }
  | { readonly kind: "delivered"; readonly progress: Progress; readonly completedAtMs: number }
  | {
      readonly kind: "exhausted";
      readonly progress: Progress;
      readonly completedAtMs: number;
      readonly reason: ExhaustReason;
    }
  | {
      readonly kind: "cancelled";
      readonly progress: Progress;
      readonly completedAtMs: number;
      readonly reason: CancelReason;
    }
  | {
      readonly kind: "skipped";
      readonly progress: Progress;
      readonly completedAtMs: number;
      readonly reason: SkipReason;
    };

export type DeliveryStatus = Exclude<DeliveryState["kind"], "unknown">;

export const DELIVERY_STATUSES = [
  "pending",
  "scheduled",
  "parked",
  "delivered",
  "exhausted",
  "cancelled",
  "skipped",
] as const satisfies readonly DeliveryStatus[];

const NO_PROGRESS: Progress = { attemptCount: 0, release: 0, lastAttempt: undefined, repeatedAttempts: 0 };

export const UNKNOWN_DELIVERY: DeliveryState = { kind: "unknown", progress: NO_PROGRESS };

/** The state of a delivery whose next attempt is in hand, as far as the work item tells. */
export function stateOfWork(attempt: number, release: number): DeliveryState {
  return { kind: "pending", progress: { ...NO_PROGRESS, attemptCount: attempt - 1, release } };
}

/** Has the delivery ended? Only a person who asks for one more attempt changes that. */
export function isFinal(state: DeliveryState): boolean {
  return "completedAtMs" in state;
}
