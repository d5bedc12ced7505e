/** Adds an event type to the catalogue. */

import { parseEventTypeId } from "@posthorn/domain";
import { presentEventType } from "../core/present-event-type.ts";
import { eventTypeExists } from "../core/problems.ts";
import type { EventTypes } from "../io/event-types.ts";
import { createEventTypeRoute } from "../schemas/event-type.ts";
import { audited, changedBy, fieldsOf, together } from "./audited.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type CreateEventTypePorts = { readonly eventTypes: Pick<EventTypes, "insert">; readonly chance: Chance };

export function createEventType(ports: CreateEventTypePorts): Handler<typeof createEventTypeRoute> {
  const { eventTypes, chance } = ports;
  return async (request) => {
    const { parameters, body, keep } = request;
    const birth = newBirth(chance, parseEventTypeId);
    const { name, description, schema } = body;
    const eventType = { ...birth, name, description: description ?? undefined, schema: schema ?? undefined };
    const answer = done(presentEventType({ ...eventType, updatedAtMs: birth.createdAtMs }));
    const orgId = parameters.org;
    const what = { orgId, subjectKind: "event-type", subjectId: birth.id, fields: fieldsOf(body) } as const;
    const audit = audited(changedBy(createEventTypeRoute, request), what, chance);
    const inserted = await eventTypes.insert({ ...eventType, orgId }, together(audit, keep(answer)));
    return inserted === "inserted" ? answer : refused(eventTypeExists(name));
  };
}
