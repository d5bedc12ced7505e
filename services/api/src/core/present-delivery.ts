/** A delivery as JSON, with or without its attempts. */

import type { DeliveryId, DeliveryStatus, ErrorClass, EventId, Header, WebhookId } from "@posthorn/domain";
import { instant, instantOrNull } from "./instant.ts";

export type Delivery = {
  readonly id: DeliveryId;
  readonly eventId: EventId;
  readonly webhookId: WebhookId;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  /** Why it is parked, exhausted, cancelled or skipped. */
  readonly reason: string | undefined;
  readonly attemptCount: number;
  readonly nextAttemptAtMs: number | undefined;
  readonly lastStatusCode: number | undefined;
  readonly lastErrorClass: ErrorClass | undefined;
  readonly errorMessage: string | undefined;
  readonly replayOf: DeliveryId | undefined;
  readonly isTest: boolean;
  readonly createdAtMs: number;
  readonly completedAtMs: number | undefined;
};

/** What was exchanged was masked when it was recorded. */
export type Attempt = {
  readonly number: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: "succeeded" | "failed";
  readonly statusCode: number | undefined;
  readonly errorClass: ErrorClass | undefined;
  readonly errorMessage: string | undefined;
  readonly url: string;
  readonly requestHeaders: readonly Header[];
  readonly responseHeaders: readonly Header[];
  readonly responseBody: Uint8Array;
  readonly responseTruncated: boolean;
};

export function presentDelivery(delivery: Delivery) {
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    webhook_id: delivery.webhookId,
    event_type: delivery.eventType,
    status: delivery.status,
    reason: delivery.reason ?? null,
    success: successOf(delivery),
    attempt_count: delivery.attemptCount,
    next_attempt_at: instantOrNull(delivery.nextAttemptAtMs),
    last_status_code: delivery.lastStatusCode ?? null,
    last_error_class: delivery.lastErrorClass ?? null,
    error_message: delivery.errorMessage ?? null,
    replay_of: delivery.replayOf ?? null,
    test: delivery.isTest,
    created_at: instant(delivery.createdAtMs),
    completed_at: instantOrNull(delivery.completedAtMs),
  };
}

/** @param requestBody the body that every attempt carried; undefined when its payload is gone. */
export function presentAttempt(attempt: Attempt, requestBody: Uint8Array | undefined) {
  const answer = presentAnswer(attempt);
  return {
    number: attempt.number,
    started_at: instant(attempt.startedAtMs),
    duration_ms: attempt.durationMs,
    outcome: attempt.outcome,
    status_code: attempt.statusCode ?? null,
    error_class: attempt.errorClass ?? null,
    error_message: attempt.errorMessage ?? null,
    request: presentRequest(attempt, requestBody),
    response: answer === null ? null : { status: answer.statusCode, ...answer.content },
  };
}

export function presentRequest({ url, requestHeaders }: Attempt, body: Uint8Array | undefined) {
  return { url, headers: headersObject(requestHeaders), body: body === undefined ? null : textOf(body) };
}

/** Null when none came. */
export function presentAnswer({ statusCode, responseHeaders, responseBody, responseTruncated }: Attempt) {
  if (statusCode === undefined) return null;
  const headers = headersObject(responseHeaders);
  return { statusCode, content: { headers, body: textOf(responseBody), truncated: responseTruncated } };
}

/** True: delivered. False: every attempt so far failed, or none could be made. Null: no attempt has ended. */
function successOf({ status, attemptCount }: Delivery): boolean | null {
  if (status === "delivered") return true;
  return attemptCount > 0 || status === "exhausted" ? false : null;
}

/** Names in lower case, as they are compared; equal names are joined as RFC 9110 allows. */
export function headersObject(headers: readonly Header[]): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const before = values.get(key);
    values.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(values);
}

/** A receiver may answer with any bytes; what is no UTF-8 is shown as U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
