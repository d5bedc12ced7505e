/** An accepted event and the rules for what may be accepted. */

import type { EventId, OrgId, WebhookId } from "../ids/ids.ts";
import { CALLER_ID_LENGTH_MAX, EVENT_TYPE_LENGTH_MAX, TIMESTAMP_LENGTH_MAX } from "../limits.ts";

export type AcceptedEvent = {
  readonly id: EventId;
  readonly orgId: OrgId;
  readonly type: string;
  /** The caller's RFC 3339 text verbatim; undefined when the caller gave none. */
  readonly timestamp: string | undefined;
  readonly acceptedAtMs: number;
  /** JSON text in UTF-8, byte for byte as published. */
  readonly data: Uint8Array;
  readonly traceparent: string;
  /** The caller's own id, used for deduplication. */
  readonly callerId: string | undefined;
  /** A test event is for one webhook, whatever its patterns; no matcher matches it. */
  readonly forWebhook: WebhookId | undefined;
  /** How many deliveries led to this event: a receiver that publishes what it receives would go on for ever. */
  readonly hops: number;
};

/** A request carries it with one hop more than its event; whoever publishes what it received hands it on. */
export const HOPS_HEADER = "posthorn-hops";

/** Where a payload lives: stream epoch (its creation time), sequence of the message, index in its group. */
export type PayloadPlace = { readonly epochMs: number; readonly sequence: number; readonly index: number };

const EVENT_TYPE = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const CALLER_ID = /^[\x21-\x7e]+$/;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Undefined when the type is sound, else what is wrong with it. */
export function eventTypeProblem(type: string): string | undefined {
  if (type.length < 1 || type.length > EVENT_TYPE_LENGTH_MAX) {
    return `must have 1 to ${EVENT_TYPE_LENGTH_MAX} characters, has ${type.length}`;
  }
  return EVENT_TYPE.test(type) ? undefined : "must be tokens of letters, digits, _ or - joined by single dots";
}

export function callerIdProblem(id: string): string | undefined {
  if (id.length < 1 || id.length > CALLER_ID_LENGTH_MAX) {
    return `must have 1 to ${CALLER_ID_LENGTH_MAX} characters, has ${id.length}`;
  }
  return CALLER_ID.test(id) ? undefined : "must consist of visible ASCII characters";
}

export function timestampProblem(text: string): string | undefined {
  return text.length <= TIMESTAMP_LENGTH_MAX && RFC_3339.test(text) && isOnTheCalendar(text)
    ? undefined
    : 'must be an RFC 3339 date and time such as "2026-03-24T13:37:00Z"';
}

/** Date.parse alone turns 30 February into 2 March, and 24:00 into the next day. */
function isOnTheCalendar(text: string): boolean {
  const upper = text.toUpperCase();
  const withoutOffset = upper.slice(0, "2026-03-24T13:37:00".length);
  const atMs = Date.parse(`${withoutOffset}Z`);
  if (Number.isNaN(atMs) || Number.isNaN(Date.parse(upper))) return false;
  return new Date(atMs).toISOString().startsWith(withoutOffset);
}

/** The text that receivers see as the event's time. */
export function eventTimestamp(event: Pick<AcceptedEvent, "timestamp" | "acceptedAtMs">): string {
  return event.timestamp ?? new Date(event.acceptedAtMs).toISOString();
}
