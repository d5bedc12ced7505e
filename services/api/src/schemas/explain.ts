/** Explanations: who would get an event by today's configuration, and who not and why. */

import { eventTypeProblem, limits } from "@posthorn/domain";
import { z } from "zod";
import { MISS_REASONS } from "../core/present-explanation.ts";
import { id, pageQuery, pageSchema } from "./fields.ts";
import type { Route } from "./route.ts";
import { withWireForm } from "./wire-form.ts";

const explanation = z
  .strictObject({
    webhook_id: id,
    url: z.string().describe("Query values are masked"),
    would_deliver: z.boolean(),
    reason: z.enum(MISS_REASONS).nullable().describe("Why not; null when it would"),
    detail: z.string().nullable().describe("What the filter could not do"),
  })
  .meta({ id: "Explanation" });

const eventType = withWireForm(
  z.string({ error: "must be a text" }).superRefine((text, context) => {
    const problem = eventTypeProblem(text);
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

export const explainEventRoute = {
  operation: "explainEvent",
  summary: "Say of every webhook whether it would get this event today, and if not, why",
  tag: "Events",
  method: "GET",
  path: "/v1/orgs/:org/events/:event/explain",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(explanation) },
} as const satisfies Route;

export const explainTypeRoute = {
  operation: "explainType",
  summary: "Say of every webhook whether it would get such an event today, and if not, why",
  tag: "Webhooks",
  method: "POST",
  path: "/v1/orgs/:org/webhooks/explain",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: z.strictObject({
    type: eventType,
    data: z.unknown().optional().describe("For filters. Without it they are not asked"),
  }),
  success: { status: 200, body: pageSchema(explanation) },
} as const satisfies Route;
