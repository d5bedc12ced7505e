/** Changes an event type: what is absent stays, null is none. Its name is what it is known by, so it stays. */

import { presentEventType } from "../core/present-event-type.ts";
import { notFound } from "../core/problems.ts";
import type { EventTypes } from "../io/event-types.ts";
import { updateEventTypeRoute } from "../schemas/event-type.ts";
import { audited, changedBy, fieldsOf } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type UpdateEventTypePorts = { readonly eventTypes: Pick<EventTypes, "update">; readonly chance: Chance };

export function updateEventType(ports: UpdateEventTypePorts): Handler<typeof updateEventTypeRoute> {
  const { eventTypes, chance } = ports;
  return async (request) => {
    const { body } = request;
    const { org, eventType: id } = request.parameters;
    const what = { orgId: org, subjectKind: "event-type", subjectId: id, fields: fieldsOf(body) } as const;
    const audit = audited(changedBy(updateEventTypeRoute, request), what, chance);
    const changed = await eventTypes.update(org, id, body, chance.nowMs(), audit);
    return changed === undefined ? refused(notFound("event type")) : done(presentEventType(changed));
  };
}
