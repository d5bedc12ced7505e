/** Gets an event by its id, or the newest one by its publisher's id, with its deliveries. */

import { callerIdProblem, type OrgId, parseEventId } from "@posthorn/domain";
import { presentDelivery } from "../core/present-delivery.ts";
import { presentEvent } from "../core/present-event.ts";
import { notFound, unavailable } from "../core/problems.ts";
import type { Deliveries } from "../io/deliveries.ts";
import type { Events, KnownEvent } from "../io/events-table.ts";
import type { ReadPayload } from "../io/payload-reader.ts";
import type { getEventRoute } from "../schemas/event.ts";
import { type Handler, refused } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type GetEventPorts = {
  readonly events: Events;
  readonly deliveries: Pick<Deliveries, "list">;
  readonly readPayload: ReadPayload;
};

export function getEvent({ events, deliveries, readPayload }: GetEventPorts): Handler<typeof getEventRoute> {
  return async ({ parameters, query }) => {
    const event = await findEvent(events, parameters.org, parameters.event);
    if (event === undefined) return refused(notFound("event"));
    const payload = await readPayload({ ...event, eventId: event.id });
    if (payload.kind === "unavailable") return refused(unavailable("NATS"));
    const data = payload.kind === "found" ? payload.event.data : undefined;
    const page = await deliveries.list(parameters.org, { eventId: event.id }, query);
    const { items, next_cursor } = presentPage(page, presentDelivery);
    return { kind: "done-as-text", json: presentEvent(event, data, { deliveries: items, next_cursor }) };
  };
}

/** A publisher may use UUIDs for its own ids, so that a text which is no id of ours may still be one of its. */
async function findEvent(events: Events, org: OrgId, text: string): Promise<KnownEvent | undefined> {
  const id = parseEventId(text);
  const event = id === undefined ? undefined : await events.get(org, id);
  if (event !== undefined) return event;
  return callerIdProblem(text) === undefined ? events.newestOf(org, text) : undefined;
}
