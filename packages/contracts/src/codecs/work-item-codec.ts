/** Work items, as DELIVER and RETRY hold them. */

import {
  type AcceptedEvent,
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
import { type Decoded, decoding, encoding, required, WireError } from "./wire.ts";

export function encodeWorkItem(item: WorkItem): Uint8Array {
  return encoding((writer) => wire.WorkItem.encode(workItemToWire(item), writer));
}

export function decodeWorkItem(bytes: Uint8Array): Decoded<WorkItem> {
  return decoding(() => workItemFromWire(wire.WorkItem.decode(bytes)));
}

/** Several items in one message; an event object that several of them share is written once. */
export function encodeWorkBundle(items: readonly WorkItem[]): Uint8Array {
  const events = [...new Set(items.flatMap(({ event }) => (event === undefined ? [] : [event])))];
  return encoding((writer) => {
    const placed = items.map((item) =>
      toWire(item, undefined, item.event === undefined ? 0 : events.indexOf(item.event) + 1),
    );
    wire.WorkBundle.encode({ items: placed, events: events.map(eventToWire) }, writer);
  });
}

/** A message of DELIVER or RETRY: a bundle, each of its items read by itself, or a single item. */
export function decodeWork(bytes: Uint8Array): Decoded<readonly Decoded<WorkItem>[]> {
  return decoding(() => {
    const bundle = wire.WorkBundle.decode(bytes);
    if (bundle.items.length === 0) return [{ kind: "decoded", value: workItemFromWire(wire.WorkItem.decode(bytes)) }];
    const events = bundle.events.map((event) => decoding(() => eventFromWire(event)));
    return bundle.items.map((item) => decoding(() => fromWire(item, eventAt(events, item))));
  });
}

/** A place is a pointer, never a proof. */
function eventAt(events: readonly Decoded<AcceptedEvent>[], item: wire.WorkItem): AcceptedEvent | undefined {
  if (item.eventAt === 0) return undefined;
  const event = required(events[item.eventAt - 1], "event_at");
  if (event.kind === "undecodable") throw new WireError(event.reason);
  const { orgId, id } = event.value;
  if (orgId !== item.orgId || id !== item.eventId) throw new WireError("event_at names another event than the item's");
  return event.value;
}

export function workItemToWire(item: WorkItem): wire.WorkItem {
  return toWire(item, item.event === undefined ? undefined : eventToWire(item.event), 0);
}

/** Throws a `WireError` that names what is missing. */
export function workItemFromWire(item: wire.WorkItem): WorkItem {
  return fromWire(item, item.event === undefined ? undefined : eventFromWire(item.event));
}

function toWire(item: WorkItem, event: wire.WorkItem["event"], eventAt: number): wire.WorkItem {
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
    event,
    eventAt,
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

function fromWire(item: wire.WorkItem, event: AcceptedEvent | undefined): WorkItem {
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
    event,
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
