/**
 * The header Idempotency-Key: a client's own name for one creation, so that it may ask twice and get one thing. Written
 * bare or as the string of a structured field (RFC 9651): `abc` and `"abc"` are the same key.
 */

export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;
/** How long a key is remembered; then it may name something else. */
export const IDEMPOTENCY_KEY_KEPT_MS = 24 * 3_600_000;
/**
 * A request that has not ended by then is taken for dead, and its key may be used again. Longer than any request takes;
 * one that did take longer could no longer save anything.
 */
export const CLAIM_MS_MAX = 30_000;

export const IDEMPOTENCY_KEY_RULE = `must be 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters`;

export type ReadIdempotencyKey =
  | { readonly kind: "absent" }
  | { readonly kind: "given"; readonly key: string }
  | { readonly kind: "malformed" };

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

/** @param header as Node has it: several headers of the name are one text with commas and blanks, hence malformed. */
export function readIdempotencyKey(header: string | readonly string[] | undefined): ReadIdempotencyKey {
  if (header === undefined) return { kind: "absent" };
  const key = typeof header === "string" ? unquoted(header.trim()) : undefined;
  const isSound = key !== undefined && key.length <= IDEMPOTENCY_KEY_LENGTH_MAX && VISIBLE_ASCII.test(key);
  return isSound ? { kind: "given", key } : { kind: "malformed" };
}

/** Undefined when a quotation is not closed, or something follows it. */
function unquoted(text: string): string | undefined {
  if (!text.startsWith('"')) return text;
  return QUOTED.exec(text)?.[1]?.replaceAll(/\\(["\\])/g, "$1");
}

/** Without the members that only a first answer has: this is what is kept of it. */
export function withoutSecrets(body: unknown, shownOnce: readonly string[]): unknown {
  if (shownOnce.length === 0 || typeof body !== "object" || body === null) return body;
  return Object.fromEntries(Object.entries(body).filter(([member]) => !shownOnce.includes(member)));
}
