/**
 * The headers that a webhook may add to its requests. Refused are those that belong to HTTP, to the connection, or to
 * what Posthorn promises of every request: a custom header never replaces one of them. What a value may be keeps it on
 * one line of the request.
 */

import { limits, PROFILE_NAMES, type ProfileName, profileOf } from "@posthorn/domain";
import { hasOptions } from "./profile-options.ts";
import { type InvalidField, invalidField } from "./webhook-refusal.ts";

/** What all of them together may add to a request: servers refuse requests with more than 8 to 32 KiB of headers. */
export const CUSTOM_HEADERS_BYTES_MAX = 8 * 1_024;
/** Shown in the place of a value. */
export const MASK = "***";

/** RFC 9110, section 5.6.2. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Printable Latin-1; blanks at the ends would be cut off on the way. */
export const HEADER_VALUE = /^[\x21-\x7e\xa1-\xff]([\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/;

const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "accept-encoding",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "te",
  "trailer",
  "expect",
  "user-agent",
  "traceparent",
  "tracestate",
  ...PROFILE_NAMES.flatMap(ownHeaders),
]);
const RESERVED_PREFIXES = ["webhook-", "posthorn-", "x-posthorn-", "proxy-"];

/** Undefined when the name may be used, else what is wrong with it. */
export function headerNameProblem(name: string): string | undefined {
  const { CUSTOM_HEADER_NAME_LENGTH_MAX } = limits;
  if (name.length > CUSTOM_HEADER_NAME_LENGTH_MAX || !HEADER_NAME.test(name)) {
    return `the name must be a token of 1 to ${CUSTOM_HEADER_NAME_LENGTH_MAX} characters (letters, digits, !#$%&'*+-.^_\`|~)`;
  }
  const lower = name.toLowerCase();
  const isReserved = RESERVED.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix));
  return isReserved ? "is a header that webhooks cannot set" : undefined;
}

/** Undefined when the value may be sent, else what is wrong with it in words that do not repeat it. */
export function headerValueProblem(value: string): string | undefined {
  const { CUSTOM_HEADER_VALUE_LENGTH_MAX } = limits;
  if (value === MASK) return "is the mask that stands for a value; send the value itself";
  const isSound = value.length <= CUSTOM_HEADER_VALUE_LENGTH_MAX && HEADER_VALUE.test(value);
  const rule = `must be 1 to ${CUSTOM_HEADER_VALUE_LENGTH_MAX} printable Latin-1 characters without blanks at its ends`;
  return isSound ? undefined : rule;
}

/** What is wrong with the headers together: two of one name, or too much of them. */
export function headersProblem(headers: Readonly<Record<string, string>>): string | undefined {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return `must not name ${repeated} twice; upper and lower case make no difference`;
  const bytes = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return bytes > CUSTOM_HEADERS_BYTES_MAX ? `must have at most ${CUSTOM_HEADERS_BYTES_MAX} bytes together` : undefined;
}

/** @param names of the webhook's headers; the profile may have come after them. */
export function profileHeaderProblem(names: readonly string[], profile: ProfileName): InvalidField | undefined {
  const fixed = profileOf(profile).fixedHeaders.map(([header]) => header.toLowerCase());
  const set = hasOptions(profile) ? [...fixed, "authorization"] : fixed;
  const name = names.find((candidate) => set.includes(candidate.toLowerCase()));
  return name === undefined ? undefined : invalidField(`/headers/${name}`, `is set by the profile ${profile} itself`);
}

function ownHeaders(name: ProfileName): readonly string[] {
  const { legacySignature, eventTypeHeader, deliveryIdHeader } = profileOf(name);
  const signature = legacySignature.kind === "none" ? undefined : legacySignature.header;
  return [signature, eventTypeHeader, deliveryIdHeader]
    .filter((header) => header !== undefined)
    .map((header) => header.toLowerCase());
}
