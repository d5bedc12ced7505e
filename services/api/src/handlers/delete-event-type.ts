/** Takes an event type out of the catalogue. */

import { notFound } from "../core/problems.ts";
import type { EventTypes } from "../io/event-types.ts";
import { deleteEventTypeRoute } from "../schemas/event-type.ts";
import { audited, changedBy } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type DeleteEventTypePorts = { readonly eventTypes: Pick<EventTypes, "remove">; readonly chance: Chance };

export function deleteEventType(ports: DeleteEventTypePorts): Handler<typeof deleteEventTypeRoute> {
  const { eventTypes, chance } = ports;
  return async (request) => {
    const { org, eventType: id } = request.parameters;
    const what = { orgId: org, subjectKind: "event-type", subjectId: id, fields: [] } as const;
    const audit = audited(changedBy(deleteEventTypeRoute, request), what, chance);
    const wasThere = await eventTypes.remove(org, id, chance.nowMs(), audit);
    return wasThere ? done(undefined) : refused(notFound("event type"));
  };
}
