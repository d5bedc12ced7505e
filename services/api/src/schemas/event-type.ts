/** The catalogue of event types: what may be published, and what its data looks like. */

import { eventTypeProblem, limits } from "@posthorn/domain";
import { compileEventSchema } from "@posthorn/event-schema";
import { z } from "zod";
import { id, lineOfText, pageQuery, pageSchema, time } from "./fields.ts";
import { isJsonObject } from "./is-json-object.ts";
import { noQuery, type Route } from "./route.ts";
import { withWireForm } from "./wire-form.ts";

const DESCRIPTION_LENGTH_MAX = 1_000;
/** Types of Posthorn's own events, which nobody else publishes. */
const OWN_TYPE = /^posthorn(\.|$)/;

export const eventType = withWireForm(
  z.string({ error: "must be a text" }).superRefine((text, context) => {
    const problem = OWN_TYPE.test(text) ? "must not begin with posthorn, which is reserved" : eventTypeProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
  {
    type: "string",
    minLength: 1,
    maxLength: limits.EVENT_TYPE_LENGTH_MAX,
    pattern: "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$",
    examples: ["agent.status"],
  },
);

const description = lineOfText(DESCRIPTION_LENGTH_MAX).nullable().optional();

/** Read by code as a whole: a record of the library would drop a member named `__proto__` in silence. */
const schema = withWireForm(
  z.unknown().transform((value, context): Readonly<Record<string, unknown>> => {
    const refuse = (message: string) => {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    };
    if (!isJsonObject(value)) return refuse("must be null or a JSON Schema, which is an object");
    const compiled = compileEventSchema(JSON.stringify(value));
    return compiled.kind === "refused" ? refuse(compiled.message) : value;
  }),
  { type: "object" },
)
  .nullable()
  .optional()
  .describe("JSON Schema (2020-12) that the data of such events has to meet");

const eventTypeAnswer = z
  .strictObject({
    id,
    name: z.string(),
    description: z.string().nullable(),
    schema: z.looseObject({}).nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "EventType" });

export const createEventTypeRoute = {
  operation: "createEventType",
  summary: "Add an event type to the catalogue",
  tag: "Event types",
  method: "POST",
  path: "/v1/orgs/:org/event-types",
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: [] },
  query: noQuery,
  body: z.strictObject({ name: eventType, description, schema }),
  success: { status: 201, body: eventTypeAnswer },
  refusals: [{ status: 409, when: "The catalogue has a type of that name (`event-type-exists`)" }],
} as const satisfies Route;

export const listEventTypesRoute = {
  operation: "listEventTypes",
  summary: "List the catalogue of event types",
  tag: "Event types",
  method: "GET",
  path: "/v1/orgs/:org/event-types",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(eventTypeAnswer) },
} as const satisfies Route;

export const getEventTypeRoute = {
  operation: "getEventType",
  summary: "Get an event type",
  tag: "Event types",
  method: "GET",
  path: "/v1/orgs/:org/event-types/:eventType",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: eventTypeAnswer },
} as const satisfies Route;

export const updateEventTypeRoute = {
  operation: "updateEventType",
  summary: "Change an event type: what is absent stays, null is none. The name stays as it is",
  tag: "Event types",
  method: "PATCH",
  path: "/v1/orgs/:org/event-types/:eventType",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: z.strictObject({ description, schema }),
  success: { status: 200, body: eventTypeAnswer },
} as const satisfies Route;

export const deleteEventTypeRoute = {
  operation: "deleteEventType",
  summary: "Take an event type out of the catalogue",
  tag: "Event types",
  method: "DELETE",
  path: "/v1/orgs/:org/event-types/:eventType",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;
