/** Events: one with its deliveries, all of them in the order of acceptance, and the end of their data. */

import { type EventId, limits, parseEventId, patternProblem } from "@posthorn/domain";
import { z } from "zod";
import { type CatchUpCursor, decodeCatchUpCursor } from "../core/catch-up-cursor.ts";
import { delivery } from "./delivery.ts";
import { id, pageQuery, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";
import { withWireForm } from "./wire-form.ts";

const facts = {
  id,
  type: z.string(),
  timestamp: z.string().describe("The publisher's text, else the time of acceptance"),
  accepted_at: time,
  data: z.unknown().describe("As published, number for number; null also when it is gone"),
  data_gone: z.enum(["age", "deleted"]).nullable(),
};

const listedEvent = z.strictObject(facts).meta({ id: "ListedEvent" });

const event = z
  .strictObject({
    ...facts,
    deliveries: z.array(delivery),
    next_cursor: z.string().nullable().describe("Of further deliveries"),
  })
  .meta({ id: "Event" });

export type AfterText =
  | { readonly kind: "cursor"; readonly cursor: CatchUpCursor }
  | { readonly kind: "event"; readonly id: EventId };

const after = withWireForm(
  z.string().transform((text, context): AfterText => {
    const eventId = parseEventId(text);
    if (eventId !== undefined) return { kind: "event", id: eventId };
    const cursor = decodeCatchUpCursor(text);
    if (cursor !== undefined) return { kind: "cursor", cursor };
    context.addIssue({ code: "custom", message: "must be the next_cursor of an earlier page, or the id of an event" });
    return z.NEVER;
  }),
  { type: "string", minLength: 1, maxLength: 128, pattern: "^[A-Za-z0-9_-]+$" },
).describe("The `next_cursor` of the page before, or the id of the last event that was seen; the oldest unless given");

const TYPES_MAX = 20;

const types = withWireForm(
  z
    .string()
    .transform((text) => text.split(","))
    .superRefine((patterns, context) => {
      const problem =
        patterns.length > TYPES_MAX
          ? `must be at most ${TYPES_MAX} event types or patterns`
          : patterns.map(patternProblem).find((found) => found !== undefined);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    })
    .default(["*"]),
  {
    type: "string",
    minLength: 1,
    maxLength: TYPES_MAX * (limits.EVENT_TYPE_LENGTH_MAX + 1),
    pattern: "^[A-Za-z0-9_.*,-]+$",
    examples: ["agent.*,deployment.done"],
  },
).describe("Event types or patterns, with commas between them; all types unless given");

export const listEventsRoute = {
  operation: "listEvents",
  summary: "List events in the order of acceptance, for a receiver that was away",
  description:
    "A later page never holds an earlier event. `next_cursor` is there on every page: when a page is empty, ask again " +
    "with it later. Events of test sends are left out. A page may hold fewer events than its limit.",
  tag: "Events",
  method: "GET",
  path: "/v1/orgs/:org/events",
  access: "read",
  changesConfiguration: false,
  query: z.strictObject({ limit: pageQuery.shape.limit, after: after.optional(), types }),
  body: undefined,
  success: { status: 200, body: z.strictObject({ items: z.array(listedEvent), next_cursor: z.string() }) },
  refusals: [{ status: 410, when: "events after the cursor are no longer stored (`cursor-gone`)" }],
} as const satisfies Route;

export const getEventRoute = {
  operation: "getEvent",
  summary: "Get an event by its id, or the newest one by its publisher's id, with its deliveries",
  tag: "Events",
  method: "GET",
  path: "/v1/orgs/:org/events/:event",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: event },
} as const satisfies Route;

export const deletePayloadRoute = {
  operation: "deletePayload",
  summary: "Delete an event's data: it is shown and sent no more, and open deliveries are cancelled",
  description:
    "From the answer on the data is shown by nothing and sent to nobody. Its bytes leave the disks when the stream that " +
    "holds them reaches its age limit: 7 days after the event was accepted, or sooner. What receivers answered before " +
    "is kept with the attempts for as long as history is.",
  tag: "Events",
  method: "DELETE",
  path: "/v1/orgs/:org/events/:event/payload",
  access: "configure",
  changesConfiguration: true,
  goesByLog: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;
