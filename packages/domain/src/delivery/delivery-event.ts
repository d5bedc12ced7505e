/** The delivery events: the facts of the LOG stream, from which all history is folded. */

import type { PayloadPlace } from "../events/event.ts";
import type { DeliveryId, EventId, OrgId, WebhookId } from "../ids/ids.ts";
import type { ProfileName } from "../profiles/profile.ts";
import type { ErrorClass } from "./outcome.ts";

/** Why a delivery was not even tried. */
export type SkipReason = "webhook_inactive";
/** Why a delivery waits for its receiver's sake. */
export type DeferReason = "webhook_inactive";
export type ExhaustReason = "attempts_exhausted" | "expired" | "gone" | "unrepresentable" | "payload_gone";
export type CancelReason = "webhook_deleted";

/** The carried event, as far as history needs it. */
export type EventFacts = {
  readonly type: string;
  readonly timestamp: string | undefined;
  readonly acceptedAtMs: number;
  readonly callerId: string | undefined;
  readonly place: PayloadPlace;
  readonly traceparent: string;
};

/** One HTTP exchange, masked for history. */
export type AttemptRecord = {
  readonly number: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Undefined: no answer came. */
  readonly statusCode: number | undefined;
  /** Query values masked. */
  readonly url: string;
  readonly requestHeaders: readonly Header[];
  readonly responseHeaders: readonly Header[];
  readonly responseBody: Uint8Array;
  readonly responseTruncated: boolean;
  /** The process that made it: with the start it tells a repeated attempt from a repeated record. */
  readonly dispatcher: string;
  /** It could not be excluded that this attempt had been made before. */
  readonly possibleRepeat: boolean;
};

export type Header = readonly [name: string, value: string];

type OfEvent = { readonly orgId: OrgId; readonly eventId: EventId; readonly atMs: number };
type OfDelivery = OfEvent & { readonly deliveryId: DeliveryId; readonly webhookId: WebhookId };

export type DeliveryCreated = OfDelivery & {
  readonly kind: "delivery.created";
  readonly event: EventFacts;
  readonly profile: ProfileName;
};
export type DeliverySkipped = OfDelivery & {
  readonly kind: "delivery.skipped";
  readonly event: EventFacts;
  readonly profile: ProfileName;
  readonly reason: SkipReason;
};
export type DeliveryDeferred = OfDelivery & {
  readonly kind: "delivery.deferred";
  readonly reason: DeferReason;
  readonly notBeforeMs: number;
  /** The attempt that waits. */
  readonly attempt: number;
  /** How often the delivery has been deferred, this time included. */
  readonly release: number;
};
export type AttemptSucceeded = OfDelivery & { readonly kind: "attempt.succeeded"; readonly attempt: AttemptRecord };
export type AttemptFailed = OfDelivery & {
  readonly kind: "attempt.failed";
  readonly attempt: AttemptRecord;
  readonly errorClass: ErrorClass;
  readonly errorMessage: string;
  /** Undefined: no attempt follows from this one. */
  readonly nextAtMs: number | undefined;
};
export type DeliveryExhausted = OfDelivery & {
  readonly kind: "delivery.exhausted";
  /** The attempt whose outcome ended it, or the one that is no longer made. */
  readonly attempt: number;
  readonly reason: ExhaustReason;
};
export type DeliveryCancelled = OfDelivery & { readonly kind: "delivery.cancelled"; readonly reason: CancelReason };
export type EventUnmatched = OfEvent & { readonly kind: "event.unmatched"; readonly event: EventFacts };

/** What can happen to one delivery. */
export type DeliveryEvent =
  | DeliveryCreated
  | DeliverySkipped
  | DeliveryDeferred
  | AttemptSucceeded
  | AttemptFailed
  | DeliveryExhausted
  | DeliveryCancelled;

/** Everything that stands in the LOG. */
export type LogEvent = DeliveryEvent | EventUnmatched;

/** Deterministic: the same happening has the same id, however often it is recorded. */
export function logEventId(event: LogEvent): string {
  switch (event.kind) {
    case "event.unmatched":
      return `${event.eventId}:unmatched`;
    case "delivery.deferred":
      return `${event.deliveryId}:deferred:${event.release}`;
    case "attempt.succeeded":
    case "attempt.failed":
      return `${event.deliveryId}:outcome:${event.attempt.number}`;
    case "delivery.created":
    case "delivery.skipped":
    case "delivery.exhausted":
    case "delivery.cancelled":
      return `${event.deliveryId}:${event.kind.slice("delivery.".length)}`;
    default:
      return event satisfies never;
  }
}
