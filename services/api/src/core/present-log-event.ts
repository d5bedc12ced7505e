/** An event of the log as JSON: every field that was recorded, under the names that the rest of the API uses. */

import { type AttemptRecord, type LogEvent, logEventId, type PayloadPlace } from "@posthorn/domain";
import { instant, instantOrNull } from "./instant.ts";
import { headersObject, textOf } from "./present-delivery.ts";

/** Where the archive holds the message that the event came in. */
export type LogPosition = { readonly partition: number; readonly epochMs: number; readonly sequence: number };

export function presentLogEvent(event: LogEvent, position: LogPosition) {
  return {
    id: logEventId(event),
    type: event.kind,
    at: instant(event.atMs),
    position: { partition: position.partition, epoch: instant(position.epochMs), sequence: position.sequence },
    event_id: event.eventId,
    ...detailsOf(event),
  };
}

function detailsOf(event: LogEvent) {
  if (event.kind === "event.unmatched") return { event: factsOf(event) };
  const delivery = { delivery_id: event.deliveryId, webhook_id: event.webhookId };
  switch (event.kind) {
    case "delivery.created":
      return { ...delivery, event: factsOf(event), profile: event.profile };
    case "delivery.skipped":
      return { ...delivery, event: factsOf(event), profile: event.profile, reason: event.reason };
    case "delivery.deferred": {
      const { reason, attempt, release } = event;
      return { ...delivery, reason, not_before: instant(event.notBeforeMs), attempt_number: attempt, release };
    }
    case "attempt.succeeded":
      return { ...delivery, attempt: attemptOf(event.attempt) };
    case "attempt.failed":
      return {
        ...delivery,
        attempt: attemptOf(event.attempt),
        error_class: event.errorClass,
        error_message: event.errorMessage,
        next_attempt_at: instantOrNull(event.nextAtMs),
      };
    case "delivery.exhausted":
      return { ...delivery, reason: event.reason, attempt_number: event.attempt };
    case "delivery.cancelled":
      return { ...delivery, reason: event.reason };
    default:
      return event satisfies never;
  }
}

function factsOf({ event }: Extract<LogEvent, { readonly event: unknown }>) {
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
  };
}
