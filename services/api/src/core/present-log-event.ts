/** An event of the log as JSON: every field that was recorded, under the names that the rest of the API uses. */

import {
  type AttemptRecord,
  type DeliveryEvent,
  type DeliveryOrder,
  type DeliveryOrigin,
  type EventFacts,
  logEventId,
  type PayloadPlace,
} from "@posthorn/domain";
import { instant, instantOrNull } from "./instant.ts";
import { headersObject, textOf } from "./present-delivery.ts";

/** Where the archive holds the message that the event came in. */
export type LogPosition = { readonly partition: number; readonly epochMs: number; readonly sequence: number };

export function presentLogEvent(event: DeliveryEvent, position: LogPosition) {
  return {
    id: logEventId(event),
    type: event.kind,
    at: instant(event.atMs),
    position: { partition: position.partition, epoch: instant(position.epochMs), sequence: position.sequence },
    event_id: event.eventId,
    delivery_id: event.deliveryId,
    webhook_id: event.webhookId,
    ...detailsOf(event),
  };
}

function detailsOf(event: DeliveryEvent) {
  switch (event.kind) {
    case "delivery.created":
      return { ...orderOf(event), hold: event.hold ?? null };
    case "delivery.skipped":
      return { ...orderOf(event), reason: event.reason };
    case "delivery.deferred": {
      const { reason, attempt, release } = event;
      return { reason, not_before: instant(event.notBeforeMs), attempt_number: attempt, release };
    }
    case "attempt.succeeded":
      return { attempt: attemptOf(event.attempt) };
    case "attempt.failed":
      return {
        attempt: attemptOf(event.attempt),
        error_class: event.errorClass,
        error_message: event.errorMessage,
        next_attempt_at: instantOrNull(event.nextAtMs),
      };
    case "delivery.exhausted":
      return { reason: event.reason, attempt_number: event.attempt, release: event.release ?? null };
    case "delivery.cancelled":
      return { reason: event.reason, release: event.release ?? null };
    case "delivery.retried":
      return { by: event.by, attempt_number: event.attempt, release: event.release, only_attempt: event.isOnly };
    default:
      return event satisfies never;
  }
}

function orderOf({ event, profile, eventTypePrefix, origin }: DeliveryOrder) {
  return { event: factsOf(event), profile, event_type_prefix: eventTypePrefix, origin: originOf(origin) };
}

function originOf(origin: DeliveryOrigin) {
  return origin.kind === "replay"
    ? { kind: origin.kind, replay_id: origin.replayId, replay_of: origin.replayOf }
    : { kind: origin.kind };
}

function factsOf(event: EventFacts) {
  return {
    type: event.type,
    timestamp: event.timestamp ?? null,
    accepted_at: instant(event.acceptedAtMs),
    caller_id: event.callerId ?? null,
    place: placeOf(event.place),
    traceparent: event.traceparent,
  };
}

function placeOf({ epochMs, sequence, index }: PayloadPlace) {
  return { epoch: instant(epochMs), sequence, index };
}

function attemptOf(attempt: AttemptRecord) {
  return {
    number: attempt.number,
    started_at: instant(attempt.startedAtMs),
    duration_ms: attempt.durationMs,
    status_code: attempt.statusCode ?? null,
    request: { url: attempt.url, headers: headersObject(attempt.requestHeaders) },
    response: {
      headers: headersObject(attempt.responseHeaders),
      body: textOf(attempt.responseBody),
      truncated: attempt.responseTruncated,
    },
    dispatcher: attempt.dispatcher,
    possible_repeat: attempt.possibleRepeat,
    test: attempt.test,
  };
}
