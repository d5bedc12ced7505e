/**
 * Follows the log and publishes, as events like any other, what an organisation wants to hear of: webhooks disabled or
 * recovered, deliveries exhausted. A log message is acknowledged when its events are stored; read again, they have the
 * same ids.
 */

import { decodeLogEvents, encodeEventGroup } from "@posthorn/contracts";
import { type AcceptedEvent, partitionOf } from "@posthorn/domain";
import { type Publisher, subjectOf, type TakenMessage } from "@posthorn/message-bus";
import {
  isOperational,
  type OperationalHappening,
  operationalEvent,
  operationalTypeOf,
} from "../core/operational-events.ts";
import type { WebhookStates } from "../core/webhook-states.ts";
import type { SchedulerEvents } from "../events.ts";
import type { ReadExhausted } from "../io/exhausted-rows.ts";

export type AnnouncePorts = {
  readonly webhooks: Pick<WebhookStates, "hasOperationalSubscribers" | "isSubscribed">;
  readonly readExhausted: ReadExhausted;
  /** Does the projection hold this message of the partition's log? */
  readonly isProjected: (partition: number, sequence: number) => Promise<boolean>;
  readonly publisher: Pick<Publisher, "publish">;
  readonly events: SchedulerEvents;
  readonly nowMs: () => number;
};

/** History lags a little: the message is looked at again after this long. */
const PROJECTION_WAIT_MS = 500;
const PUBLISH_MS_MAX = 5_000;
/** After a failure. */
const AGAIN_MS = 2_000;

export async function announceOperations(ports: AnnouncePorts, message: TakenMessage): Promise<void> {
  try {
    const happenings = subscribedHappenings(ports, message.data);
    if (happenings.length === 0) return message.ack();
    if (!(await ports.isProjected(message.partition, message.sequence))) return message.giveBack(PROJECTION_WAIT_MS);
    const stored = await Promise.all((await eventsOf(ports, happenings)).map((event) => publish(ports, event)));
    if (stored.every((isStored) => isStored)) message.ack();
    else message.giveBack(AGAIN_MS);
  } catch (error) {
    ports.events.trouble("operational events", error);
    message.giveBack(AGAIN_MS);
  }
}

/** Without any subscriber the log need not even be read. What cannot be read is the projector's to report. */
function subscribedHappenings({ webhooks }: AnnouncePorts, data: Uint8Array): readonly OperationalHappening[] {
  if (!webhooks.hasOperationalSubscribers) return [];
  const decoded = decodeLogEvents(data);
  if (decoded.kind === "undecodable") return [];
  return decoded.value
    .filter(isOperational)
    .filter((happening) => webhooks.isSubscribed(happening.orgId, operationalTypeOf(happening)));
}

async function eventsOf(
  ports: AnnouncePorts,
  happenings: readonly OperationalHappening[],
): Promise<readonly AcceptedEvent[]> {
  const ended = happenings.flatMap((one) => (one.kind === "delivery.exhausted" ? [one.deliveryId] : []));
  const deliveries = ended.length === 0 ? new Map() : await ports.readExhausted(ended);
  return happenings.flatMap((one) => {
    const delivery = one.kind === "delivery.exhausted" ? deliveries.get(one.deliveryId) : undefined;
    return operationalEvent(one, delivery, ports.nowMs()) ?? [];
  });
}

async function publish(ports: AnnouncePorts, event: AcceptedEvent): Promise<boolean> {
  const request = {
    subject: subjectOf("INGEST", partitionOf(event.orgId)),
    payload: encodeEventGroup([event]),
    id: event.id,
  };
  const published = await ports.publisher.publish(request, PUBLISH_MS_MAX);
  if (published.kind === "stored" && !published.duplicate) ports.events.announced(event.type);
  return published.kind === "stored";
}
