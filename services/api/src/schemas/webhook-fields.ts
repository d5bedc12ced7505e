/** The fields of webhooks that a request may set, each with its limits. Null is the default of each but two. */

import { compileFilter } from "@posthorn/content-filter";
import { limits, PROFILE_NAMES } from "@posthorn/domain";
import { z } from "zod";
import {
  HEADER_NAME,
  HEADER_VALUE,
  headerNameProblem,
  headersProblem,
  headerValueProblem,
  MASK,
} from "../core/custom-headers.ts";
import { SIGNINGS } from "../core/signing.ts";
import { lineOfText, oneOf, pattern, wholeNumber } from "./fields.ts";
import { isJsonObject } from "./is-json-object.ts";
import { withWireForm } from "./wire-form.ts";

const DESCRIPTION_LENGTH_MAX = 1_000;
/** Those of GitHub have up to 255 characters today. */
const TOKEN_LENGTH_MAX = 512;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

export const url = z
  .string({ error: "must be a text" })
  .min(1, "must not be empty")
  .max(limits.URL_LENGTH_MAX, `must have at most ${limits.URL_LENGTH_MAX} characters`);

const patternCountRule = `must be a list of 1 to ${limits.PATTERNS_PER_WEBHOOK_MAX} patterns`;
export const events = z
  .array(pattern, { error: patternCountRule })
  .min(1, patternCountRule)
  .max(limits.PATTERNS_PER_WEBHOOK_MAX, patternCountRule);

const { SECRET_LENGTH_MIN, SECRET_LENGTH_MAX } = limits;
const secretRule = `must be a text of ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} printable ASCII characters`;
export const secret = z
  .string({ error: secretRule })
  .min(SECRET_LENGTH_MIN, secretRule)
  .max(SECRET_LENGTH_MAX, secretRule)
  .regex(PRINTABLE_ASCII, secretRule)
  .describe("Signing ed25519: `whsk_` and the base64 of seed and public key");

const retryScheduleRule = `must be null or a list of at most ${limits.RETRIES_MAX} delays in seconds`;
const retryScheduleS = z
  .array(wholeNumber(limits.RETRY_DELAY_S_MIN, limits.RETRY_DELAY_S_MAX), { error: retryScheduleRule })
  .max(limits.RETRIES_MAX, retryScheduleRule)
  .describe("Seconds before each further attempt; null: the profile's schedule, []: one attempt only");

const filterRule = `must be null or a text of 1 to ${limits.FILTER_LENGTH_MAX} characters`;
const filter = z
  .string({ error: filterRule })
  .min(1, { error: filterRule, abort: true })
  .max(limits.FILTER_LENGTH_MAX, { error: filterRule, abort: true })
  .refine((source) => !source.includes("\u0000") && source.isWellFormed(), {
    error: "must be Unicode text without NUL",
    abort: true,
  })
  .superRefine((source, context) => {
    const compiled = compileFilter(source);
    if (compiled.kind === "refused") context.addIssue({ code: "custom", message: compiled.message });
  })
  .describe("A condition in CEL on `data` and `type`, such as `data.amount > 100`");

const tokenRule = `must be a text of 1 to ${TOKEN_LENGTH_MAX} visible ASCII characters`;
const token = z
  .string({ error: tokenRule })
  .min(1, tokenRule)
  .max(TOKEN_LENGTH_MAX, tokenRule)
  .regex(VISIBLE_ASCII, tokenRule)
  .refine((text) => text !== MASK, "is the mask that stands for the token; send the token itself or leave it out");

const prefixRule = `must be a text of at most ${limits.EVENT_TYPE_PREFIX_LENGTH_MAX} visible ASCII characters`;
const eventTypePrefix = z
  .string({ error: prefixRule })
  .max(limits.EVENT_TYPE_PREFIX_LENGTH_MAX, prefixRule)
  .regex(VISIBLE_ASCII, prefixRule);

const profileOptions = z
  .strictObject(
    { token: token.nullable().optional(), event_type_prefix: eventTypePrefix.nullable().optional() },
    { error: objectError("must be null or an object with token and event_type_prefix") },
  )
  .describe("Of the profile github-dispatch only, which needs a token");

const headersRule = `must be null or an object of at most ${limits.CUSTOM_HEADERS_MAX} names with their values`;
/** Read by code as a whole: a record of the library would drop a member named `__proto__` in silence. */
const headers = withWireForm(
  z.unknown().transform((value, context): Record<string, string> => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if (!isJsonObject(value) || Object.keys(value).length > limits.CUSTOM_HEADERS_MAX) {
      refuse([], headersRule);
      return z.NEVER;
    }
    const members = Object.entries(value).flatMap(([name, text]) => {
      const problem =
        headerNameProblem(name) ?? (typeof text === "string" ? headerValueProblem(text) : "must be a text");
      if (problem !== undefined) refuse([name], problem);
      return typeof text === "string" ? [[name, text] as const] : [];
    });
    const read = Object.fromEntries(members);
    const problem = headersProblem(read);
    if (problem !== undefined) refuse([], problem);
    return read;
  }),
  {
    type: "object",
    maxProperties: limits.CUSTOM_HEADERS_MAX,
    propertyNames: { maxLength: limits.CUSTOM_HEADER_NAME_LENGTH_MAX, pattern: HEADER_NAME.source },
    additionalProperties: {
      type: "string",
      minLength: 1,
      maxLength: limits.CUSTOM_HEADER_VALUE_LENGTH_MAX,
      pattern: HEADER_VALUE.source,
    },
  },
).describe("Sent with every request; the values are shown as `***` only, and a change replaces all of them");

const flag = z.boolean({ error: "must be true or false" });

/** What may be set besides the URL and the patterns. */
export const settings = z.strictObject({
  description: lineOfText(DESCRIPTION_LENGTH_MAX).nullable().optional(),
  filter: filter.nullable().optional(),
  profile: oneOf(PROFILE_NAMES).nullable().optional(),
  profile_options: profileOptions.nullable().optional(),
  headers: headers.nullable().optional(),
  timeout_ms: wholeNumber(limits.TIMEOUT_MS_MIN, limits.TIMEOUT_MS_MAX).nullable().optional(),
  retry_schedule_s: retryScheduleS.nullable().optional(),
  rate_limit: wholeNumber(limits.RATE_LIMIT_MIN, limits.RATE_LIMIT_MAX)
    .nullable()
    .optional()
    .describe("Requests per second"),
  ordered: flag.nullable().optional().describe("One delivery at a time, in the order of acceptance"),
  signing: oneOf(SIGNINGS).nullable().optional().describe("Chosen once: it cannot be changed"),
  is_active: flag.nullable().optional(),
});

/** The words for what is no object at all; for a member too many the library's issue is worded elsewhere. */
function objectError(message: string) {
  return (issue: z.core.$ZodRawIssue) => (issue.code === "invalid_type" ? message : undefined);
}
