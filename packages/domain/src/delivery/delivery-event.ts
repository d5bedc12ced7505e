/** The delivery events: the facts of the LOG stream, from which all history is folded. */

import type { PayloadPlace } from "../events/event.ts";
import type { DeliveryId, EventId, OrgId, ReplayId, WebhookId } from "../ids/ids.ts";
import type { ProfileName } from "../profiles/profile.ts";
import type { DeliveryStatus } from "./delivery-state.ts";
import type { ErrorClass } from "./outcome.ts";
import type { CancelReason, DeferReason, DisableReason, ExhaustReason, SkipReason } from "./reasons.ts";

/** What a delivery was made for. */
export type DeliveryOrigin =
  | { readonly kind: "match" }
  | { readonly kind: "test" }
  | { readonly kind: "replay"; readonly replayId: ReplayId; readonly replayOf: DeliveryId };

/** The carried event, as far as history needs it. */
export type EventFacts = {
  readonly type: string;
  readonly timestamp: string | undefined;
  readonly acceptedAtMs: number;
  readonly callerId: string | undefined;
  readonly place: PayloadPlace;
  readonly traceparent: string;
};

/** What a delivery's course needs to know of one attempt. */
export type AttemptFacts = {
  readonly number: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Undefined: no answer came. */
  readonly statusCode: number | undefined;
  /** The process that made it: with the start it tells a repeated attempt from a repeated record. */
  readonly dispatcher: string;
  /** Made by a test send: says nothing of the webhook's health. */
  readonly test: boolean;
};

/** One HTTP exchange, masked for history. */
export type AttemptRecord = AttemptFacts & {
  /** Query values masked. */
  readonly url: string;
  readonly requestHeaders: readonly Header[];
  readonly responseHeaders: readonly Header[];
  readonly responseBody: Uint8Array;
  readonly responseTruncated: boolean;
  /** It could not be excluded that this attempt had been made before. */
  readonly possibleRepeat: boolean;
};

export type Header = readonly [name: string, value: string];

type OfOrganisation = { readonly orgId: OrgId; readonly atMs: number };
type OfEvent = OfOrganisation & { readonly eventId: EventId };
type OfDelivery = OfEvent & { readonly deliveryId: DeliveryId; readonly webhookId: WebhookId };

/** What is fixed when a delivery comes into being: every attempt of it sends the same body. */
export type DeliveryOrder = {
  readonly event: EventFacts;
  readonly profile: ProfileName;
  /** See `WebhookConfig`. */
  readonly eventTypePrefix: string;
  readonly origin: DeliveryOrigin;
};
export type DeliveryCreated = OfDelivery &
  DeliveryOrder & {
    readonly kind: "delivery.created";
    /** Born parked: nothing is queued, the scheduler alone releases it. Undefined: its first attempt is queued. */
    readonly hold: DeferReason | undefined;
  };
export type DeliverySkipped = OfDelivery &
  DeliveryOrder & { readonly kind: "delivery.skipped"; readonly reason: SkipReason };
export type DeliveryDeferred = OfDelivery & {
  readonly kind: "delivery.deferred";
  readonly reason: DeferReason;
  readonly notBeforeMs: number;
  /** The attempt that waits. */
  readonly attempt: number;
  /** How often the delivery has been deferred, this time included. */
  readonly release: number;
  /** See `WorkItem`. */
  readonly mayHaveBeenSent: boolean;
};
export type AttemptSucceeded = OfDelivery & {
  readonly kind: "attempt.succeeded";
  readonly attempt: AttemptRecord;
  readonly release: ToldRelease;
};
export type AttemptFailed = OfDelivery & {
  readonly kind: "attempt.failed";
  readonly attempt: AttemptRecord;
  readonly errorClass: ErrorClass;
  readonly errorMessage: string;
  /** Undefined: no attempt follows from this one. */
  readonly nextAtMs: number | undefined;
  readonly release: ToldRelease;
};
export type DeliveryExhausted = OfDelivery & {
  readonly kind: "delivery.exhausted";
  /** The attempt whose outcome ended it, or the one that is no longer made. */
  readonly attempt: number;
  readonly reason: ExhaustReason;
  readonly release: ToldRelease;
};
export type DeliveryCancelled = OfDelivery & {
  readonly kind: "delivery.cancelled";
  readonly reason: CancelReason;
  readonly release: ToldRelease;
};
/** The release of which it tells; a later one was made without knowing of it. Undefined in records that did not say. */
type ToldRelease = number | undefined;
/** A person asked for one more attempt. */
export type DeliveryRetried = OfDelivery & {
  readonly kind: "delivery.retried";
  /** Who asked: the id of a key, or `root`. */
  readonly by: string;
  readonly attempt: number;
  /** As after a deferral: the work item is a new one. */
  readonly release: number;
  /** The delivery had ended: nothing follows from this attempt, whatever comes of it. */
  readonly isOnly: boolean;
};
export type EventUnmatched = OfEvent & { readonly kind: "event.unmatched"; readonly event: EventFacts };

/** What can happen to one delivery. */
export type DeliveryEvent =
  | DeliveryCreated
  | DeliverySkipped
  | DeliveryDeferred
  | AttemptSucceeded
  | AttemptFailed
  | DeliveryExhausted
  | DeliveryCancelled
  | DeliveryRetried;

/** Everything that stands in the LOG. */
export type LogEvent = DeliveryEvent | EventUnmatched | OrganisationEvent;

/** The event without the exchanges of its attempts, which no fold needs. */
export type FactOf<Event> = Event extends { readonly attempt: AttemptRecord }
  ? Omit<Event, "attempt"> & { readonly attempt: AttemptFacts }
  : Event;
export type DeliveryFact = FactOf<DeliveryEvent>;
export type LogFact = FactOf<LogEvent>;

/** Deliveries of a webhook in a range of time are made again, as new ones. */
export type ReplayStarted = OfOrganisation & {
  readonly kind: "replay.started";
  readonly replayId: ReplayId;
  readonly webhookId: WebhookId;
  /** Deliveries created from `sinceMs` to before `untilMs`. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Empty: every status in which a delivery has ended. */
  readonly statuses: readonly DeliveryStatus[];
  /** Patterns; empty: all types. */
  readonly types: readonly string[];
  readonly by: string;
};
export type ReplayProgressed = OfOrganisation & {
  readonly kind: "replay.progressed";
  readonly replayId: ReplayId;
  readonly progress: ReplayProgress;
};
export type ReplayFinished = OfOrganisation & {
  readonly kind: "replay.finished";
  readonly replayId: ReplayId;
  readonly progress: ReplayProgress;
};
export type ReplayProgress = {
  readonly total: number;
  readonly done: number;
  /** In the range, but with nothing to send: still under way, or without a payload. */
  readonly skipped: number;
  /** The scheduler's own mark of how far it came; empty before the first page. */
  readonly cursor: string;
};

/** The engine wants the webhook out of service; it counts if `configVersion` is still current. */
export type WebhookDisabled = OfOrganisation & {
  readonly kind: "webhook.disabled";
  readonly webhookId: WebhookId;
  readonly reason: DisableReason;
  readonly configVersion: number;
};
/** `generation` counts the openings of the webhook's circuit. */
export type CircuitOpened = OfOrganisation & {
  readonly kind: "circuit.opened";
  readonly webhookId: WebhookId;
  readonly generation: number;
};
export type CircuitClosed = OfOrganisation & {
  readonly kind: "circuit.closed";
  readonly webhookId: WebhookId;
  readonly generation: number;
};
/** Who changed what: the audit. No value of a field stands here, only its name. */
export type ConfigurationChanged = OfOrganisation & {
  readonly kind: "configuration.changed";
  readonly changeId: string;
  /** The id of a key, or `root`. */
  readonly actor: string;
  /** The operation, such as `createWebhook`. */
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly fields: readonly string[];
  readonly requestId: string;
};

/** What happens to something other than one delivery. */
export type OrganisationEvent =
  | ReplayStarted
  | ReplayProgressed
  | ReplayFinished
  | WebhookDisabled
  | CircuitOpened
  | CircuitClosed
  | ConfigurationChanged;

/** Deterministic: the same happening has the same id, however often it is recorded. */
export function logEventId(event: LogFact): string {
  switch (event.kind) {
    case "event.unmatched":
      return `${event.eventId}:unmatched`;
    // One that came too late to count does not use its release up: that of a later attempt may have the same.
    case "delivery.deferred":
      return `${event.deliveryId}:deferred:${event.attempt}:${event.release}`;
    case "delivery.retried":
      return `${event.deliveryId}:retried:${event.attempt}:${event.release}`;
    case "replay.started":
    case "replay.finished":
      return `${event.replayId}:${event.kind.slice("replay.".length)}`;
    case "replay.progressed":
      return `${event.replayId}:progressed:${event.progress.cursor}`;
    case "webhook.disabled":
      return `${event.webhookId}:disabled:${event.configVersion}`;
    case "circuit.opened":
    case "circuit.closed":
      return `${event.webhookId}:${event.kind}:${event.generation}`;
    case "configuration.changed":
      return event.changeId;
    case "attempt.succeeded":
    case "attempt.failed":
      return `${event.deliveryId}:outcome:${event.attempt.number}`;
    case "delivery.created":
    case "delivery.skipped":
      return `${event.deliveryId}:${event.kind.slice("delivery.".length)}`;
    case "delivery.exhausted":
    case "delivery.cancelled":
      return `${event.deliveryId}:${event.kind.slice("delivery.".length)}:${event.release ?? 0}`;
    default:
      return event satisfies never;
  }
}
