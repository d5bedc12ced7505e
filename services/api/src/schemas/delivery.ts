/** Deliveries, their attempts and their raw log. */

import { DELIVERY_STATUSES, ERROR_CLASSES, patternProblem } from "@posthorn/domain";
import { z } from "zod";
import { booleanText, id, moment, oneOf, pageQuery, pageSchema, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const headers = z.record(z.string(), z.string()).describe("Names in lower case; equal names are joined by commas");

const attempt = z.strictObject({
  number: z.int(),
  started_at: time,
  duration_ms: z.int(),
  outcome: z.enum(["succeeded", "failed"]),
  status_code: z.int().nullable(),
  error_class: z.enum(ERROR_CLASSES).nullable(),
  error_message: z.string().nullable(),
  request: z
    .strictObject({
      url: z.string().describe("Query values are masked"),
      headers,
      body: z.string().nullable().describe("Null when the payload is gone"),
    })
    .nullable()
    .describe("Null when the archive no longer holds the attempt"),
  response: z
    .strictObject({ status: z.int(), headers, body: z.string(), truncated: z.boolean() })
    .nullable()
    .describe("Null when no answer came"),
});

export const delivery = z.strictObject({
  id,
  event_id: id,
  webhook_id: id,
  event_type: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  reason: z.string().nullable(),
  success: z.boolean().nullable().describe("Null while no attempt has ended"),
  attempt_count: z.int(),
  next_attempt_at: time.nullable(),
  last_status_code: z.int().nullable(),
  last_error_class: z.enum(ERROR_CLASSES).nullable(),
  error_message: z.string().nullable(),
  replay_of: id.nullable(),
  test: z.boolean(),
  created_at: time,
  completed_at: time.nullable(),
});

const eventFilter = z
  .string()
  .superRefine((text, context) => {
    const problem = patternProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  })
  .describe("An event type or a pattern");

const filters = pageQuery.extend({
  status: oneOf(DELIVERY_STATUSES).optional(),
  event: eventFilter.optional(),
  success: booleanText.optional(),
  since: moment.optional().describe("Created then or later"),
  until: moment.optional().describe("Created before then"),
});

const logEntry = z.looseObject({ id: z.string(), type: z.string(), at: time });

export const listDeliveriesRoute = {
  operation: "listDeliveries",
  summary: "List deliveries",
  method: "GET",
  path: "/v1/orgs/:org/deliveries",
  access: "read",
  changesConfiguration: false,
  query: filters,
  body: undefined,
  success: { status: 200, body: pageSchema(delivery) },
} as const satisfies Route;

export const listWebhookDeliveriesRoute = {
  operation: "listWebhookDeliveries",
  summary: "List the deliveries of a webhook, deleted ones included",
  method: "GET",
  path: "/v1/orgs/:org/webhooks/:webhook/deliveries",
  access: "read",
  changesConfiguration: false,
  query: filters,
  body: undefined,
  success: { status: 200, body: pageSchema(delivery) },
} as const satisfies Route;

export const getDeliveryRoute = {
  operation: "getDelivery",
  summary: "Get a delivery with its attempts",
  method: "GET",
  path: "/v1/orgs/:org/deliveries/:delivery",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: delivery.extend({ attempts: z.array(attempt) }) },
} as const satisfies Route;

export const getDeliveryLogRoute = {
  operation: "getDeliveryLog",
  summary: "Get everything that was logged of a delivery, in order",
  method: "GET",
  path: "/v1/orgs/:org/deliveries/:delivery/log",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(logEntry) },
} as const satisfies Route;
