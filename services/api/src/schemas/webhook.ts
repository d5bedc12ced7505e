/** Webhooks. A secret is in two answers only: that of the creation and that of a rotation. */

import { ERROR_CLASSES, limits, PROFILE_NAMES } from "@posthorn/domain";
import { z } from "zod";
import { SIGNINGS } from "../core/signing.ts";
import { id, oneOf, pageQuery, pageSchema, time, wholeNumber } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";
import { events, secret, settings, url } from "./webhook-fields.ts";

const health = z.strictObject({
  state: z.enum(["unknown", "healthy", "failing", "disabled"]),
  last_attempt_at: time.nullable(),
  last_status_code: z.int().nullable(),
  last_error_class: z.enum(ERROR_CLASSES).nullable(),
  consecutive_failures: z.int(),
  circuit: z.enum(["closed", "open", "half_open"]),
});

const webhook = z
  .strictObject({
    id,
    org_id: id,
    url: z.string(),
    events: z.array(z.string()),
    filter: z.string().nullable(),
    description: z.string().nullable(),
    profile: z.enum(PROFILE_NAMES),
    profile_options: z
      .strictObject({ token: z.string().nullable().describe("Masked"), event_type_prefix: z.string() })
      .nullable(),
    headers: z.record(z.string(), z.string()).describe("Values are masked"),
    timeout_ms: z.int(),
    retry_schedule_s: z.array(z.int()).nullable(),
    rate_limit: z.int().nullable(),
    ordered: z.boolean(),
    signing: z.enum(SIGNINGS),
    public_key: z
      .string()
      .nullable()
      .describe("What receivers verify with when signing is ed25519: `whpk_` and base64"),
    is_active: z.boolean(),
    disabled_reason: z.string().nullable().describe("Why the engine took it out of service"),
    has_secret: z.boolean(),
    health,
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Webhook" });

const withSecret = webhook.extend({ secret: z.string().describe("Shown this once") });

export const createWebhookRoute = {
  operation: "createWebhook",
  summary: "Create a webhook; the answer is the only one that shows its secret",
  tag: "Webhooks",
  method: "POST",
  path: "/v1/orgs/:org/webhooks",
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: ["secret"] },
  query: noQuery,
  body: settings.extend({ url, events, secret: secret.nullable().optional() }),
  success: { status: 201, body: withSecret },
} as const satisfies Route;

export const listWebhooksRoute = {
  operation: "listWebhooks",
  summary: "List webhooks; the queries of their URLs are masked",
  tag: "Webhooks",
  method: "GET",
  path: "/v1/orgs/:org/webhooks",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(webhook) },
} as const satisfies Route;

export const getWebhookRoute = {
  operation: "getWebhook",
  summary: "Get a webhook",
  tag: "Webhooks",
  method: "GET",
  path: "/v1/orgs/:org/webhooks/:webhook",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const updateWebhookRoute = {
  operation: "updateWebhook",
  summary: "Change a webhook: what is absent stays, null is the default",
  tag: "Webhooks",
  method: "PATCH",
  path: "/v1/orgs/:org/webhooks/:webhook",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: settings.extend({ url: url.optional(), events: events.optional() }),
  success: { status: 200, body: webhook },
} as const satisfies Route;

export const deleteWebhookRoute = {
  operation: "deleteWebhook",
  summary: "Delete a webhook; its history stays",
  tag: "Webhooks",
  method: "DELETE",
  path: "/v1/orgs/:org/webhooks/:webhook",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;

export const rotateSecretRoute = {
  operation: "rotateSecret",
  summary: "Give a webhook a new secret; the answer is the only one that shows it",
  description:
    "Until the overlap ends, `webhook-signature` holds a signature by the new secret and by each former one. A header " +
    "that holds one signature only is made with the secret that `legacy_signs_with` names. An overlap of 0 stops all " +
    "former secrets at once.",
  tag: "Webhooks",
  method: "POST",
  path: "/v1/orgs/:org/webhooks/:webhook/rotate-secret",
  access: "configure",
  changesConfiguration: true,
  creates: { shownOnce: ["secret"] },
  query: noQuery,
  body: z.strictObject({
    secret: secret.nullable().optional(),
    overlap_s: wholeNumber(0, limits.SECRET_OVERLAP_S_MAX).nullable().optional(),
    legacy_signs_with: oneOf(["old", "new"]).nullable().optional(),
  }),
  success: { status: 200, body: withSecret },
} as const satisfies Route;
