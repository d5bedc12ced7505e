/** Deliveries, their attempts and their raw log. */

import { DELIVERY_STATUSES, ERROR_CLASSES, parseWebhookId } from "@posthorn/domain";
import { z } from "zod";
import { decodeLogCursor } from "../core/delivery-log-page.ts";
import { booleanText, cursorOf, id, idOf, moment, oneOf, pageQuery, pageSchema, pattern, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const headers = z.record(z.string(), z.string()).describe("Names in lower case; equal names are joined by commas");

const attempt = z
  .strictObject({
    number: z.int(),
    started_at: time,
    duration_ms: z.int(),
    outcome: z.enum(["succeeded", "failed"]),
    status_code: z.int().nullable(),
    error_class: z.enum(ERROR_CLASSES).nullable(),
    error_message: z.string().nullable(),
    request: z.strictObject({
      url: z.string().describe("Query values are masked"),
      headers,
      body: z.string().nullable().describe("Null when the payload is gone"),
    }),
    response: z
      .strictObject({ status: z.int(), headers, body: z.string(), truncated: z.boolean() })
      .nullable()
      .describe("Null when no answer came"),
  })
  .meta({ id: "Attempt" });

const attemptsKept = z
  .array(attempt)
  .describe(
    "In the order of their numbers; `attempt_count` says how many there were, should the archive have lost some",
  );

export const delivery = z
  .strictObject({
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
  })
  .meta({ id: "Delivery" });

const filters = pageQuery.extend({
  status: oneOf(DELIVERY_STATUSES).optional(),
  event: pattern.optional().describe("An event type or a pattern"),
  success: booleanText.optional(),
  since: moment.optional().describe("Created then or later"),
  until: moment.optional().describe("Created before then"),
});

const logEntry = z.looseObject({ id: z.string(), type: z.string(), at: time });

const deletedOrDisabled =
  "the webhook is deleted (`webhook-deleted`) or was disabled by the engine (`webhook-disabled`)";

export const listDeliveriesRoute = {
  operation: "listDeliveries",
  summary: "List deliveries",
  tag: "Deliveries",
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
  tag: "Deliveries",
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
  tag: "Deliveries",
  method: "GET",
  path: "/v1/orgs/:org/deliveries/:delivery",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: delivery.extend({ attempts: attemptsKept }) },
} as const satisfies Route;

export const getDeliveryLogRoute = {
  operation: "getDeliveryLog",
  summary: "Get everything that was logged of a delivery, oldest first",
  tag: "Deliveries",
  method: "GET",
  path: "/v1/orgs/:org/deliveries/:delivery/log",
  access: "read",
  changesConfiguration: false,
  query: pageQuery.extend({ cursor: cursorOf(decodeLogCursor).optional() }),
  body: undefined,
  success: { status: 200, body: pageSchema(logEntry) },
} as const satisfies Route;

export const retryDeliveryRoute = {
  operation: "retryDelivery",
  summary: "Make one more attempt of a delivery",
  description:
    "The same delivery is attempted again as soon as possible, whatever became of it, with the same `webhook-id` and " +
    "body. After a delivery that had ended nothing follows from this attempt, whatever comes of it.",
  tag: "Deliveries",
  method: "POST",
  path: "/v1/orgs/:org/deliveries/:delivery/retry",
  access: "configure",
  changesConfiguration: true,
  goesByLog: true,
  query: noQuery,
  body: undefined,
  success: { status: 202, body: delivery },
  refusals: [
    { status: 409, when: "the payload is deleted or too old (`payload-expired`)" },
    { status: 409, when: "an attempt is under way or due now (`attempt-running`)" },
    { status: 409, when: deletedOrDisabled },
    { status: 409, when: "the delivery was a test (`test-delivery`)" },
  ],
} as const satisfies Route;

export const BULK_RETRY_MAX = 1_000;

export const retryDeliveriesRoute = {
  operation: "retryDeliveries",
  summary: "Make one more attempt of deliveries that have failed for good",
  description:
    `Of the newest ${BULK_RETRY_MAX} that fit, those are attempted again that can be; \`count\` says how many. Call ` +
    "again until it is 0.",
  tag: "Deliveries",
  method: "POST",
  path: "/v1/orgs/:org/deliveries/retry",
  access: "configure",
  changesConfiguration: true,
  goesByLog: true,
  query: noQuery,
  body: z.strictObject({
    status: z.literal("exhausted", { error: "must be exhausted" }),
    webhook_id: idOf(parseWebhookId).optional(),
    since: moment.optional().describe("Created then or later"),
    until: moment.optional().describe("Created before then"),
  }),
  success: { status: 202, body: z.strictObject({ count: z.int() }) },
} as const satisfies Route;
