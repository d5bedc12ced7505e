/** The routes of MUTX's webhooks. Members that MUTX does not know are passed over, as it does. */

import { limits, parseDeliveryId } from "@posthorn/domain";
import { z } from "zod";
import { booleanText, idOf, lineOfText } from "../../schemas/fields.ts";
import { noQuery, type Route } from "../../schemas/route.ts";
import { offsetQuery } from "../offset-query.ts";

const PREFIX = "/compat/mutx/v1/webhooks";
const URL_LENGTH_MAX = 512;
const SECRET_LENGTH_MAX = 64;
const WEBHOOKS_LIMIT_MAX = 200;
const DELIVERIES_LIMIT_MAX = 500;

const url = z.string().min(1).max(URL_LENGTH_MAX);
const name = lineOfText(limits.NAME_LENGTH_MAX).nullable();
const events = z.array(z.string()).min(1).max(limits.PATTERNS_PER_WEBHOOK_MAX);

const webhook = z.object({
  id: z.uuid(),
  user_id: z.uuid(),
  name: z.string().nullable(),
  url: z.string(),
  events: z.array(z.string()),
  secret: z.null(),
  has_secret: z.boolean(),
  is_active: z.boolean(),
  circuit_open: z.boolean(),
  consecutive_failures: z.int(),
  created_at: z.string(),
  total_deliveries: z.int().nullable(),
  successful_deliveries: z.int().nullable(),
  failed_deliveries: z.int().nullable(),
});

const delivery = z.object({
  id: z.uuid(),
  webhook_id: z.uuid(),
  event: z.string(),
  payload: z.string(),
  status_code: z.int().nullable(),
  response_body: z.string().nullable(),
  success: z.boolean(),
  error_message: z.string().nullable(),
  attempts: z.int(),
  duration_ms: z.int().nullable(),
  parent_delivery_id: z.uuid().nullable(),
  created_at: z.string(),
  delivered_at: z.string().nullable(),
});

const sent = z.object({ status: z.string(), message: z.string() });

const page = { total: z.int(), skip: z.int(), limit: z.int(), has_more: z.boolean() };

export const mutxCreate = {
  operation: "mutxCreateWebhook",
  summary: "Create a webhook of MUTX",
  tag: "Webhooks",
  method: "POST",
  path: `${PREFIX}/`,
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: [] },
  query: noQuery,
  body: z.object({
    url,
    name: name.optional(),
    events: events.default(["*"]),
    secret: z.string().min(1).max(SECRET_LENGTH_MAX).nullable().optional(),
    is_active: z.boolean().default(true),
  }),
  success: { status: 201, body: webhook },
} as const satisfies Route;

export const mutxList = {
  operation: "mutxListWebhooks",
  summary: "List webhooks of MUTX",
  tag: "Webhooks",
  method: "GET",
  path: `${PREFIX}/`,
  access: "read",
  changesConfiguration: false,
  query: offsetQuery(WEBHOOKS_LIMIT_MAX),
  body: undefined,
  success: { status: 200, body: z.object({ items: z.array(webhook), ...page }) },
} as const satisfies Route;

export const mutxGet = {
  operation: "mutxGetWebhook",
  summary: "Get a webhook of MUTX",
  tag: "Webhooks",
  method: "GET",
  path: `${PREFIX}/:webhook`,
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const mutxUpdate = {
  operation: "mutxUpdateWebhook",
  summary: "Change a webhook of MUTX",
  tag: "Webhooks",
  method: "PATCH",
  path: `${PREFIX}/:webhook`,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: z.object({
    url: url.nullable().optional(),
    name: name.optional(),
    events: events.nullable().optional(),
    is_active: z.boolean().nullable().optional(),
    reset_circuit: z.boolean().nullable().optional(),
  }),
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const mutxDelete = {
  operation: "mutxDeleteWebhook",
  summary: "Delete a webhook of MUTX",
  tag: "Webhooks",
  method: "DELETE",
  path: `${PREFIX}/:webhook`,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;

export const mutxTest = {
  operation: "mutxTestWebhook",
  summary: "Send a test event to a webhook of MUTX",
  tag: "Webhooks",
  method: "POST",
  path: `${PREFIX}/:webhook/test`,
  access: "configure",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: sent },
} as const satisfies Route;

export const mutxDeliveries = {
  operation: "mutxListDeliveries",
  summary: "List the deliveries of a webhook of MUTX",
  tag: "Deliveries",
  method: "GET",
  path: `${PREFIX}/:webhook/deliveries`,
  access: "read",
  changesConfiguration: false,
  query: offsetQuery(DELIVERIES_LIMIT_MAX).extend({
    event: lineOfText(limits.EVENT_TYPE_LENGTH_MAX).optional(),
    success: booleanText.optional(),
  }),
  body: undefined,
  success: {
    status: 200,
    body: z.object({
      webhook_id: z.uuid(),
      items: z.array(delivery),
      // MUTX's command line reads this name, its SDK the other one.
      deliveries: z.array(delivery),
      ...page,
      event: z.string().nullable(),
      success: z.boolean().nullable(),
    }),
  },
} as const satisfies Route;

export const mutxRetry = {
  operation: "mutxRetryDelivery",
  summary: "Send a delivery of MUTX again and wait for what comes of it",
  tag: "Deliveries",
  method: "POST",
  path: `${PREFIX}/retry`,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: z.object({ delivery_id: idOf(parseDeliveryId) }),
  success: { status: 200, body: sent.extend({ original_delivery_id: z.uuid() }) },
} as const satisfies Route;

export const mutxVerifyDocs = {
  operation: "mutxVerifyDocs",
  summary: "How to verify the signature of MUTX's webhooks",
  tag: "Webhooks",
  method: "GET",
  path: `${PREFIX}/verify-docs`,
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: {
    status: 200,
    body: z.object({
      algorithm: z.string(),
      header: z.string(),
      format: z.string(),
      verification_steps: z.array(z.string()),
      example_nodejs: z.string(),
    }),
  },
} as const satisfies Route;

export const MUTX_ROUTES: readonly Route[] = [
  mutxCreate,
  mutxList,
  mutxVerifyDocs,
  mutxGet,
  mutxUpdate,
  mutxDelete,
  mutxTest,
  mutxDeliveries,
  mutxRetry,
];
