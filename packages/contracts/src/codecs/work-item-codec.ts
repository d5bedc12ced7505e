/** Work items, as DELIVER and RETRY hold them. */

import {
  parseDeliveryId,
  parseEventId,
  parseOrgId,
  parseProfileName,
  parseWebhookId,
  type ReleaseTerms,
  type WorkItem,
} from "@posthorn/domain";
import * as wire from "../gen/posthorn/delivery/v1/work_item.ts";
import { eventFromWire, eventToWire, placeFromWire, placeToWire } from "./event-codec.ts";
import { type Decoded, decoding, encoding, required } from "./wire.ts";

export function encodeWorkItem(item: WorkItem): Uint8Array {
  return encoding((writer) => wire.WorkItem.encode(workItemToWire(item), writer));
}

export function decodeWorkItem(bytes: Uint8Array): Decoded<WorkItem> {
  return decoding(() => workItemFromWire(wire.WorkItem.decode(bytes)));
}

export function workItemToWire(item: WorkItem): wire.WorkItem {
  return {
    deliveryId: item.deliveryId,
    orgId: item.orgId,
    webhookId: item.webhookId,
    attempt: item.attempt,
    release: item.release,
    configRevision: item.configRevision,
    profile: item.profile,
    possibleRepeat: item.possibleRepeat,
    place: placeToWire(item.place),
    event: item.event === undefined ? undefined : eventToWire(item.event),
    eventId: item.eventId,
    eventType: item.eventType,
    acceptedAtMs: item.acceptedAtMs,
    traceparent: item.traceparent,
    messageId: item.messageId === item.deliveryId ? "" : item.messageId,
    eventTypePrefix: item.eventTypePrefix,
    isOnly: item.isOnly,
    terms: item.terms === undefined ? undefined : termsToWire(item.terms),
    followers: item.followers.map(workItemToWire),
    mayHaveBeenSent: item.mayHaveBeenSent,
  };
}

/** Throws a `WireError` that names what is missing. */
export function workItemFromWire(item: wire.WorkItem): WorkItem {
  const deliveryId = required(parseDeliveryId(item.deliveryId), "delivery_id");
  return {
    deliveryId,
    orgId: required(parseOrgId(item.orgId), "org_id"),
    webhookId: required(parseWebhookId(item.webhookId), "webhook_id"),
    eventId: required(parseEventId(item.eventId), "event_id"),
    eventType: item.eventType,
    acceptedAtMs: item.acceptedAtMs,
    attempt: item.attempt,
    release: item.release,
    configRevision: item.configRevision,
    profile: required(parseProfileName(item.profile), "profile"),
    possibleRepeat: item.possibleRepeat,
    place: placeFromWire(item.place),
    event: item.event === undefined ? undefined : eventFromWire(item.event),
    traceparent: item.traceparent,
    messageId: item.messageId === "" ? deliveryId : required(parseDeliveryId(item.messageId), "message_id"),
    eventTypePrefix: item.eventTypePrefix,
    isOnly: item.isOnly,
    terms: item.terms === undefined ? undefined : termsFromWire(item.terms),
    followers: item.followers.map(workItemFromWire),
    mayHaveBeenSent: item.mayHaveBeenSent,
  };
}

function termsToWire({ isProbe, circuitsClosed, slot }: ReleaseTerms): wire.ReleaseTerms {
  return { isProbe, circuitsClosed, slotFromMs: slot?.fromMs ?? 0, slotUntilMs: slot?.untilMs ?? 0 };
}

function termsFromWire({ isProbe, circuitsClosed, slotFromMs, slotUntilMs }: wire.ReleaseTerms): ReleaseTerms {
  const slot = slotFromMs === 0 ? undefined : { fromMs: slotFromMs, untilMs: slotUntilMs };
  return { isProbe, circuitsClosed, slot };
}
