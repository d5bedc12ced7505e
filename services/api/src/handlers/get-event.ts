/** Gets an event by its id, or the newest one by its publisher's id, with its deliveries. */

import { presentDelivery } from "../core/present-delivery.ts";
import { presentEvent } from "../core/present-event.ts";
import { notFound, unavailable } from "../core/problems.ts";
import type { Deliveries } from "../io/deliveries.ts";
import { dataOf, type ReadPayload } from "../io/payload-reader.ts";
import type { getEventRoute } from "../schemas/event.ts";
import { type FindEventPorts, findEvent } from "./find-event.ts";
import { type Handler, refused } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type GetEventPorts = FindEventPorts & {
  readonly deliveries: Pick<Deliveries, "list">;
  readonly readPayload: ReadPayload;
};

export function getEvent(ports: GetEventPorts): Handler<typeof getEventRoute> {
  return async ({ parameters, query }) => {
    const event = await findEvent(ports, parameters.org, parameters.event);
    if (event === undefined) return refused(notFound("event"));
    const page = await ports.deliveries.list(parameters.org, { eventId: event.id }, query);
    const payload = await ports.readPayload({ ...event, eventId: event.id });
    if (payload.kind === "unavailable") return refused(unavailable("NATS"));
    const { items, next_cursor } = presentPage(page, presentDelivery);
    return { kind: "done-as-text", json: presentEvent(event, dataOf(payload), { deliveries: items, next_cursor }) };
  };
}
