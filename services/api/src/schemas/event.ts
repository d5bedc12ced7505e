/** Events, as far as history shows them. */

import { z } from "zod";
import { delivery } from "./delivery.ts";
import { id, pageQuery, time } from "./fields.ts";
import type { Route } from "./route.ts";

const event = z.strictObject({
  id,
  type: z.string(),
  timestamp: z.string().describe("The publisher's text, else the time of acceptance"),
  accepted_at: time,
  data: z.unknown().describe("As published, number for number; null also when it is gone"),
  data_gone: z.enum(["age", "deleted"]).nullable(),
  deliveries: z.array(delivery),
  next_cursor: z.string().nullable().describe("Of further deliveries"),
});

export const getEventRoute = {
  operation: "getEvent",
  summary: "Get an event by its id, or the newest one by its publisher's id, with its deliveries",
  method: "GET",
  path: "/v1/orgs/:org/events/:event",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: event },
} as const satisfies Route;
