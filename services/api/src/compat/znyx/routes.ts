/** The routes of Znyx's webhooks. Members that Znyx does not know are passed over, as it does. */

import { limits } from "@posthorn/domain";
import { z } from "zod";
import { oneOf } from "../../schemas/fields.ts";
import { noQuery, type Route } from "../../schemas/route.ts";

const COLLECTION = "/compat/znyx/v1/orgs/:org/webhooks";
const ONE = `${COLLECTION}/:webhook`;

/** All events of Znyx. It has no wildcards. */
export const ZNYX_EVENTS = [
  "bundle.published",
  "bundle.activated",
  "bundle.promoted",
  "evaluation.blocked",
  "policy.updated",
  "sso.configured",
  "team.member_added",
  "team.member_removed",
  "alert.triggered",
] as const;

const url = z.string().min(1, "must not be empty").max(limits.URL_LENGTH_MAX);
const events = z.array(oneOf(ZNYX_EVENTS)).min(1, "must name at least one event").max(limits.PATTERNS_PER_WEBHOOK_MAX);

const webhook = z.strictObject({
  id: z.uuid(),
  org_id: z.uuid(),
  url: z.string(),
  events: z.array(z.string()),
  is_active: z.boolean(),
  created_at: z.string(),
  has_secret: z.boolean(),
});

/** Some clients send an empty object where nothing is asked for. */
const nothing = z.object({});

export const znyxList = {
  operation: "znyxListWebhooks",
  summary: "List webhooks of Znyx",
  tag: "Webhooks",
  method: "GET",
  path: COLLECTION,
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: z.array(webhook) },
} as const satisfies Route;

export const znyxCreate = {
  operation: "znyxCreateWebhook",
  summary: "Create a webhook of Znyx",
  tag: "Webhooks",
  method: "POST",
  path: COLLECTION,
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: ["secret"] },
  query: noQuery,
  body: z.object({ url, events, generate_secret: z.boolean().default(false) }),
  success: { status: 201, body: webhook.extend({ secret: z.string().optional() }) },
} as const satisfies Route;

export const znyxUpdate = {
  operation: "znyxUpdateWebhook",
  summary: "Change a webhook of Znyx: absent or null is unchanged",
  tag: "Webhooks",
  method: "PATCH",
  path: ONE,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: z.object({
    url: url.nullable().optional(),
    events: events.nullable().optional(),
    is_active: z.boolean().nullable().optional(),
  }),
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const znyxDelete = {
  operation: "znyxDeleteWebhook",
  summary: "Delete a webhook of Znyx",
  tag: "Webhooks",
  method: "DELETE",
  path: ONE,
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;

export const znyxTest = {
  operation: "znyxTestWebhook",
  summary: "Send a test event to a webhook of Znyx and tell what its target answered",
  tag: "Webhooks",
  method: "POST",
  path: `${ONE}/test`,
  access: "configure",
  changesConfiguration: false,
  query: noQuery,
  body: nothing,
  success: {
    status: 200,
    body: z.strictObject({
      success: z.boolean(),
      status_code: z.int().nullable(),
      error: z.string().nullable(),
      duration_ms: z.int().nullable(),
      delivery_id: z.uuid(),
    }),
  },
} as const satisfies Route;

export const znyxRotate = {
  operation: "znyxRotateSecret",
  summary: "Give a webhook of Znyx a new secret",
  tag: "Webhooks",
  method: "POST",
  path: `${ONE}/rotate-secret`,
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: ["secret"] },
  query: noQuery,
  body: nothing,
  success: { status: 200, body: webhook.extend({ secret: z.string() }) },
} as const satisfies Route;

export const ZNYX_ROUTES: readonly Route[] = [znyxList, znyxCreate, znyxUpdate, znyxDelete, znyxTest, znyxRotate];
