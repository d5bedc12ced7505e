/** Webhooks. The secret is in one answer only: that of the creation. */

import { ERROR_CLASSES, limits, PROFILE_NAMES, patternProblem } from "@posthorn/domain";
import { z } from "zod";
import { id, lineOfText, oneOf, pageQuery, pageSchema, time, wholeNumber } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const DESCRIPTION_LENGTH_MAX = 1_000;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

const url = z
  .string({ error: "must be a text" })
  .max(limits.URL_LENGTH_MAX, `must have at most ${limits.URL_LENGTH_MAX} characters`);

const pattern = z.string({ error: "must be a text" }).superRefine((text, context) => {
  const problem = patternProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});
const patternCountRule = `must be a list of 1 to ${limits.PATTERNS_PER_WEBHOOK_MAX} patterns`;
const events = z
  .array(pattern, { error: patternCountRule })
  .min(1, patternCountRule)
  .max(limits.PATTERNS_PER_WEBHOOK_MAX, patternCountRule);

const { SECRET_LENGTH_MIN, SECRET_LENGTH_MAX } = limits;
const secretRule = `must be a text of ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} printable ASCII characters`;
const secret = z
  .string({ error: secretRule })
  .min(SECRET_LENGTH_MIN, secretRule)
  .max(SECRET_LENGTH_MAX, secretRule)
  .regex(PRINTABLE_ASCII, secretRule);

const retryScheduleRule = `must be null or a list of at most ${limits.RETRIES_MAX} delays in seconds`;
const retryScheduleS = z
  .array(wholeNumber(limits.RETRY_DELAY_S_MIN, limits.RETRY_DELAY_S_MAX), { error: retryScheduleRule })
  .max(limits.RETRIES_MAX, retryScheduleRule)
  .nullable();

const NOT_SUPPORTED_YET = "is not supported yet";

/** What may be set besides the URL and the patterns. Null is the default of each. */
const settings = z.strictObject({
  description: lineOfText(DESCRIPTION_LENGTH_MAX).nullable().optional(),
  profile: oneOf(PROFILE_NAMES).nullable().optional(),
  timeout_ms: wholeNumber(limits.TIMEOUT_MS_MIN, limits.TIMEOUT_MS_MAX).nullable().optional(),
  retry_schedule_s: retryScheduleS.optional(),
  is_active: z.boolean({ error: "must be true or false" }).nullable().optional(),
  // Fields of the webhook that only take their neutral value: a wish that is not fulfilled is refused, not dropped.
  filter: z.null({ error: NOT_SUPPORTED_YET }).optional(),
  profile_options: z.null({ error: NOT_SUPPORTED_YET }).optional(),
  headers: z.strictObject({}, { error: NOT_SUPPORTED_YET }).nullable().optional(),
  rate_limit: z.null({ error: NOT_SUPPORTED_YET }).optional(),
  ordered: z.literal(false, { error: NOT_SUPPORTED_YET }).nullable().optional(),
  signing: z.literal("hmac", { error: NOT_SUPPORTED_YET }).nullable().optional(),
});

const health = z.strictObject({
  state: z.enum(["unknown", "healthy", "failing", "disabled"]),
  last_attempt_at: time.nullable(),
  last_status_code: z.int().nullable(),
  last_error_class: z.enum(ERROR_CLASSES).nullable(),
  consecutive_failures: z.int(),
  circuit: z.enum(["closed", "open", "half_open"]),
});

const webhook = z.strictObject({
  id,
  org_id: id,
  url: z.string(),
  events: z.array(z.string()),
  filter: z.null(),
  description: z.string().nullable(),
  profile: z.enum(PROFILE_NAMES),
  profile_options: z.null(),
  headers: z.strictObject({}),
  timeout_ms: z.int(),
  retry_schedule_s: z.array(z.int()).nullable(),
  rate_limit: z.null(),
  ordered: z.boolean(),
  signing: z.literal("hmac"),
  is_active: z.boolean(),
  disabled_reason: z.string().nullable(),
  has_secret: z.boolean(),
  health,
  created_at: time,
  updated_at: time,
});

export const createWebhookRoute = {
  operation: "createWebhook",
  summary: "Create a webhook; the answer is the only one that shows its secret",
  method: "POST",
  path: "/v1/orgs/:org/webhooks",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: settings.extend({ url, events, secret: secret.nullable().optional() }),
  success: { status: 201, body: webhook.extend({ secret: z.string() }) },
} as const satisfies Route;

export const listWebhooksRoute = {
  operation: "listWebhooks",
  summary: "List webhooks; the queries of their URLs are masked",
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
  method: "DELETE",
  path: "/v1/orgs/:org/webhooks/:webhook",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: undefined,
  success: { status: 204, body: undefined },
} as const satisfies Route;
