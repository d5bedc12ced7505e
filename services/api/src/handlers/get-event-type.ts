/** Gets an event type of the catalogue. */

import { presentEventType } from "../core/present-event-type.ts";
import { notFound } from "../core/problems.ts";
import type { EventTypes } from "../io/event-types.ts";
import type { getEventTypeRoute } from "../schemas/event-type.ts";
import { done, type Handler, refused } from "./handler.ts";

export type GetEventTypePorts = { readonly eventTypes: Pick<EventTypes, "get"> };

export function getEventType({ eventTypes }: GetEventTypePorts): Handler<typeof getEventTypeRoute> {
  return async ({ parameters }) => {
    const eventType = await eventTypes.get(parameters.org, parameters.eventType);
    return eventType === undefined ? refused(notFound("event type")) : done(presentEventType(eventType));
  };
}
