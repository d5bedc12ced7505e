/**
 * Which headers of a request are ours. The api refuses custom headers of these names when a webhook is made; what
 * reaches the dispatcher all the same is dropped, so that no webhook can speak in our name or break the framing.
 */

import { PROFILE_NAMES, profileOf } from "@posthorn/domain";

const OWN_PREFIXES = ["webhook-", "posthorn-", "proxy-"];

const OWN_NAMES = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "te",
  "traceparent",
  "tracestate",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  ...PROFILE_NAMES.flatMap(namesOfProfile),
]);

export function isOwnHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return OWN_NAMES.has(lower) || OWN_PREFIXES.some((prefix) => lower.startsWith(prefix));
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** One line of Latin-1, the only text that a header can hold. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Can the header stand in a request as it is? */
export function isSoundHeader(name: string, value: string): boolean {
  return TOKEN.test(name) && VALUE.test(value);
}

function namesOfProfile(name: (typeof PROFILE_NAMES)[number]): string[] {
  const { legacySignature, eventTypeHeader, deliveryIdHeader } = profileOf(name);
  const signature = legacySignature.kind === "none" ? undefined : legacySignature.header;
  return [signature, eventTypeHeader, deliveryIdHeader]
    .filter((header) => header !== undefined)
    .map((header) => header.toLowerCase());
}
