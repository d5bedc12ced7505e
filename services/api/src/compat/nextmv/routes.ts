/** The routes of Nextmv's webhooks, whose ids their creators choose. Members that Nextmv does not know are passed over. */

import { limits } from "@posthorn/domain";
import { z } from "zod";
import { EXTERNAL_ID_RULE, parseExternalId } from "../../core/external-id.ts";
import { lineOfText, oneOf } from "../../schemas/fields.ts";
import { noQuery, type Route } from "../../schemas/route.ts";
import { offsetQuery } from "../offset-query.ts";

const COLLECTION = "/compat/nextmv/v1/webhooks";
const ONE = `${COLLECTION}/:externalId`;
const CONVERSATIONS = `${ONE}/conversations`;

/** The only event that Nextmv has. */
export const NEXTMV_EVENT = "run.status";

const DESCRIPTION_LENGTH_MAX = 1_000;
/** Each has a conversation for every attempt. */
const DELIVERIES_LIMIT_MAX = 100;

const id = z.string().refine((text) => parseExternalId(text) !== undefined, EXTERNAL_ID_RULE);
const settings = z.object({
  event_types: z
    .array(oneOf([NEXTMV_EVENT]))
    .min(1, "must name at least one event type")
    .max(limits.PATTERNS_PER_WEBHOOK_MAX),
  endpoint_url: z.string().min(1, "must not be empty").max(limits.URL_LENGTH_MAX),
  description: z.union([z.literal(""), lineOfText(DESCRIPTION_LENGTH_MAX)]).default(""),
});

const webhook = z.strictObject({
  id: z.string(),
  event_types: z.array(z.string()),
  endpoint_url: z.string(),
  description: z.string(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

const headers = z.record(z.string(), z.string());

/** One request to the endpoint and what came of it. */
const conversation = z.strictObject({
  id: z.string(),
  webhook_id: z.string(),
  event_type: z.string(),
  created_at: z.iso.datetime(),
  duration_ms: z.int(),
  successful: z.boolean(),
  error: z.string().nullable(),
  request: z.strictObject({ url: z.string(), headers, body: z.string().nullable() }),
  response: z.strictObject({ status_code: z.int(), headers, body: z.string(), truncated: z.boolean() }).nullable(),
});

export const nextmvCreate = {
  operation: "nextmvCreateWebhook",
  summary: "Create a webhook of Nextmv under an id of the caller's choice",
  tag: "Webhooks",
  method: "POST",
  path: COLLECTION,
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: [] },
  query: noQuery,
  body: settings.extend({ id }),
  success: { status: 201, body: webhook },
} as const satisfies Route;

export const nextmvList = {
  operation: "nextmvListWebhooks",
  summary: "List webhooks of Nextmv",
  tag: "Webhooks",
  method: "GET",
  path: COLLECTION,
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: z.array(webhook) },
} as const satisfies Route;

export const nextmvGet = {
  operation: "nextmvGetWebhook",
  summary: "Get a webhook of Nextmv",
  tag: "Webhooks",
  method: "GET",
  path: ONE,
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const nextmvReplace = {
  operation: "nextmvReplaceWebhook",
  summary: "Replace all fields of a webhook of Nextmv",
  tag: "Webhooks",
  method: "PUT",
  path: ONE,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: settings.extend({ id: id.optional() }),
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const nextmvDelete = {
  operation: "nextmvDeleteWebhook",
  summary: "Delete a webhook of Nextmv",
  tag: "Webhooks",
  method: "DELETE",
  path: ONE,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;

export const nextmvSecret = {
  operation: "nextmvGetSecret",
  summary: "Get the signing secret of a webhook of Nextmv",
  tag: "Webhooks",
  method: "GET",
  path: `${ONE}/secret`,
  access: "configure",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: z.strictObject({ secret: z.string() }) },
} as const satisfies Route;

export const nextmvTrigger = {
  operation: "nextmvTriggerWebhook",
  summary: "Send a request to a webhook of Nextmv",
  tag: "Webhooks",
  method: "POST",
  path: `${ONE}/trigger`,
  access: "configure",
  changesConfiguration: false,
  query: noQuery,
  body: z.object({ data: z.unknown().optional() }),
  success: { status: 200, body: conversation },
} as const satisfies Route;

export const nextmvConversations = {
  operation: "nextmvListConversations",
  summary: "List the conversations of a webhook of Nextmv",
  tag: "Deliveries",
  method: "GET",
  path: CONVERSATIONS,
  access: "read",
  changesConfiguration: false,
  query: offsetQuery(DELIVERIES_LIMIT_MAX),
  body: undefined,
  success: { status: 200, body: z.array(conversation) },
} as const satisfies Route;

export const nextmvConversation = {
  operation: "nextmvGetConversation",
  summary: "Get a conversation of a webhook of Nextmv",
  tag: "Deliveries",
  method: "GET",
  path: `${CONVERSATIONS}/:attempt`,
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: conversation },
} as const satisfies Route;

export const NEXTMV_ROUTES: readonly Route[] = [
  nextmvCreate,
  nextmvList,
  nextmvGet,
  nextmvReplace,
  nextmvDelete,
  nextmvSecret,
  nextmvTrigger,
  nextmvConversations,
  nextmvConversation,
];
