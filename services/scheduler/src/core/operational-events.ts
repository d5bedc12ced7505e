/**
 * What Posthorn itself has to say to those who subscribe to it, made from the log. The same happening always gives the
 * same event id, so that a log that is read again repeats at worst.
 */

import {
  type AcceptedEvent,
  type DeliveryId,
  type EventId,
  type LogEvent,
  logEventId,
  parseEventId,
  uuidv5,
  uuidv7,
  uuidv7TimeMs,
} from "@posthorn/domain";
import { OPERATIONAL_TOKEN } from "./webhook-states.ts";

export type OperationalHappening = Extract<
  LogEvent,
  { kind: "webhook.disabled" | "circuit.closed" | "delivery.exhausted" }
>;

/** What history knows of a delivery that came to its end. */
export type ExhaustedDelivery = {
  readonly deliveryId: DeliveryId;
  readonly eventType: string;
  readonly isTest: boolean;
  readonly attemptCount: number;
};

export function isOperational(event: LogEvent): event is OperationalHappening {
  return event.kind === "webhook.disabled" || event.kind === "circuit.closed" || event.kind === "delivery.exhausted";
}

export function operationalTypeOf(happening: OperationalHappening): string {
  switch (happening.kind) {
    case "webhook.disabled":
      return `${OPERATIONAL_TOKEN}.webhook.disabled`;
    case "circuit.closed":
      return `${OPERATIONAL_TOKEN}.webhook.recovered`;
    case "delivery.exhausted":
      return `${OPERATIONAL_TOKEN}.delivery.exhausted`;
    default:
      return happening satisfies never;
  }
}

/** Undefined: nobody is told. A delivery of an operational event causes no other, and a test send none at all. */
export function operationalEvent(
  happening: OperationalHappening,
  delivery: ExhaustedDelivery | undefined,
  nowMs: number,
): AcceptedEvent | undefined {
  if (delivery !== undefined && (delivery.isTest || isOperationalType(delivery.eventType))) return undefined;
  const { orgId } = happening;
  const logId = logEventId(happening);
  return {
    id: idOf(happening, logId),
    orgId,
    type: operationalTypeOf(happening),
    timestamp: new Date(happening.atMs).toISOString(),
    acceptedAtMs: nowMs,
    data: Buffer.from(JSON.stringify(dataOf(happening, delivery))),
    traceparent: traceparentOf(orgId, logId),
    callerId: undefined,
    forWebhook: undefined,
    hops: 0,
  };
}

/**
 * Begins with a time, as ids of events do, so that it stands among the old ones when it is old. The time is that of what
 * the happening is about: whoever logs it again logs another moment.
 */
function idOf(happening: OperationalHappening, logId: string): EventId {
  const subject = happening.kind === "delivery.exhausted" ? happening.eventId : happening.webhookId;
  const digest = Buffer.from(uuidv5(happening.orgId, logId).replaceAll("-", ""), "hex");
  const id = parseEventId(uuidv7(uuidv7TimeMs(subject), digest));
  if (id === undefined) throw new Error("uuidv7 made no UUID");
  return id;
}

function isOperationalType(eventType: string): boolean {
  return eventType.split(".")[0] === OPERATIONAL_TOKEN;
}

function dataOf(happening: OperationalHappening, delivery: ExhaustedDelivery | undefined): object {
  const { webhookId } = happening;
  switch (happening.kind) {
    case "webhook.disabled":
      return { webhook_id: webhookId, reason: happening.reason };
    case "circuit.closed":
      return { webhook_id: webhookId };
    case "delivery.exhausted":
      return {
        webhook_id: webhookId,
        delivery_id: happening.deliveryId,
        event_id: happening.eventId,
        event_type: delivery?.eventType,
        reason: happening.reason,
        attempt_count: delivery?.attemptCount,
      };
    default:
      return happening satisfies never;
  }
}

/** A trace of its own, the same each time the event is made. */
function traceparentOf(orgId: string, logId: string): string {
  const hex = (name: string) => uuidv5(orgId, `${name}:${logId}`).replaceAll("-", "");
  return `00-${hex("trace")}-${hex("span").slice(0, 16)}-00`;
}
