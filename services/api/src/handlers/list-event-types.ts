/** Lists an organisation's catalogue of event types. */

import { presentEventType } from "../core/present-event-type.ts";
import type { EventTypes } from "../io/event-types.ts";
import type { listEventTypesRoute } from "../schemas/event-type.ts";
import { done, type Handler } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type ListEventTypesPorts = { readonly eventTypes: Pick<EventTypes, "list"> };

export function listEventTypes({ eventTypes }: ListEventTypesPorts): Handler<typeof listEventTypesRoute> {
  return async ({ parameters, query }) =>
    done(presentPage(await eventTypes.list(parameters.org, query), presentEventType));
}
