/** Work items, as DELIVER and RETRY hold them. */

import {
  parseDeliveryId,
  parseEventId,
  parseOrgId,
  parseProfileName,
  parseWebhookId,
  type WorkItem,
} from "@posthorn/domain";
import * as wire from "../gen/posthorn/delivery/v1/work_item.ts";
import { eventFromWire, eventToWire, placeFromWire, placeToWire } from "./event-codec.ts";
import { type Decoded, decoding, encoding, required } from "./wire.ts";

export function encodeWorkItem(item: WorkItem): Uint8Array {
  const message = {
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
  };
  return encoding((writer) => wire.WorkItem.encode(message, writer));
}

export function decodeWorkItem(bytes: Uint8Array): Decoded<WorkItem> {
  return decoding(() => {
    const item = wire.WorkItem.decode(bytes);
    return {
      deliveryId: required(parseDeliveryId(item.deliveryId), "delivery_id"),
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
    };
  });
}
