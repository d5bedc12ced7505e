/** Accepted events and their places, as INGEST holds them. */

import { type AcceptedEvent, type PayloadPlace, parseEventId, parseOrgId, parseWebhookId } from "@posthorn/domain";
import * as wire from "../gen/posthorn/event/v1/event.ts";
import { absentIfEmpty, type Decoded, decoding, encoding, required } from "./wire.ts";

export function encodeEventGroup(events: readonly AcceptedEvent[]): Uint8Array {
  return encoding((writer) => wire.EventGroup.encode({ events: events.map(eventToWire) }, writer));
}

export function decodeEventGroup(bytes: Uint8Array): Decoded<readonly AcceptedEvent[]> {
  return decoding(() => wire.EventGroup.decode(bytes).events.map(eventFromWire));
}

/** Bytes that an event adds to its group: its texts and data, and an upper bound for the framing. */
export function encodedEventBytes(event: AcceptedEvent): number {
  const texts = event.type.length + event.traceparent.length + (event.timestamp?.length ?? 0);
  return event.data.length + texts + (event.callerId?.length ?? 0) + EVENT_FRAMING_BYTES;
}

/** Three UUIDs, the time, and tag and length of every field. */
const EVENT_FRAMING_BYTES = 176;

export function eventToWire(event: AcceptedEvent): wire.AcceptedEvent {
  return {
    id: event.id,
    orgId: event.orgId,
    type: event.type,
    timestamp: event.timestamp ?? "",
    acceptedAtMs: event.acceptedAtMs,
    data: asBuffer(event.data),
    traceparent: event.traceparent,
    callerId: event.callerId ?? "",
    forWebhook: event.forWebhook ?? "",
    hops: event.hops,
  };
}

export function eventFromWire(event: wire.AcceptedEvent): AcceptedEvent {
  return {
    id: required(parseEventId(event.id), "event.id"),
    orgId: required(parseOrgId(event.orgId), "event.org_id"),
    type: event.type,
    timestamp: absentIfEmpty(event.timestamp),
    acceptedAtMs: event.acceptedAtMs,
    data: event.data,
    traceparent: event.traceparent,
    callerId: absentIfEmpty(event.callerId),
    forWebhook: event.forWebhook === "" ? undefined : required(parseWebhookId(event.forWebhook), "event.for_webhook"),
    hops: event.hops,
  };
}

export function placeToWire(place: PayloadPlace): wire.PayloadPlace {
  return { epochMs: place.epochMs, sequence: place.sequence, index: place.index };
}

export function placeFromWire(place: wire.PayloadPlace | undefined): PayloadPlace {
  const { epochMs, sequence, index } = required(place, "place");
  return { epochMs, sequence, index };
}

/** The generated code asks for Buffers; this is a view, not a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
