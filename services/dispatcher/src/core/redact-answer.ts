/**
 * Takes out of a receiver's answer what we sent it in secret: some receivers repeat the request that they got, and
 * history shows answers. Finds values as they are, not in another encoding.
 */

import type { Answer } from "./record-exchange.ts";

const MASK = "***";
/** Shorter texts, such as "true" or a name of a region, stand in answers by themselves, and masking shreds those. */
const SECRET_LENGTH_MIN = 8;

/** What the query of a URL holds that history masks: its values as they are sent, and as a receiver reads them. */
export function queryValuesOf(url: string): readonly string[] {
  if (!url.includes("?")) return [];
  const { search } = new URL(url);
  const sent = search
    .slice(1)
    .split("&")
    .map((pair) => pair.slice(pair.indexOf("=") + 1));
  return [...new Set([...sent, ...sent.map(decoded)])];
}

/** Bytes that are no UTF-8 are sent as they are. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    return value;
  }
}

/**
 * @param secrets values of request headers and of the URL's query; of "<scheme> <credentials>" the credentials are
 * looked for, too.
 */
export function redactAnswer<T extends Pick<Answer, "headers" | "body">>(answer: T, secrets: readonly string[]): T {
  const hidden = secrets.flatMap(withCredentials).filter(({ length }) => length >= SECRET_LENGTH_MIN);
  if (hidden.length === 0) return answer;
  // The longest first: one may be part of another.
  hidden.sort((a, b) => b.length - a.length);
  const headers = answer.headers.map(([name, value]) => [name, redacted(value, hidden)] as const);
  const text = asLatin1(answer.body);
  const clean = redactedCut(redacted(text, hidden), hidden);
  return { ...answer, headers, body: clean === text ? answer.body : Buffer.from(clean, "latin1") };
}

function withCredentials(value: string): string[] {
  const credentials = value.split(" ").at(-1) ?? "";
  return credentials === value ? [value] : [value, credentials];
}

function redacted(text: string, hidden: readonly string[]): string {
  return hidden.reduce((clean, secret) => clean.replaceAll(secret, MASK), text);
}

/** History keeps the beginning of a long answer: the cut may go through a secret. */
function redactedCut(text: string, hidden: readonly string[]): string {
  const cut = Math.max(0, ...hidden.map((secret) => longestBeginningAtEnd(text, secret)));
  return cut >= SECRET_LENGTH_MIN ? text.slice(0, -cut) + MASK : text;
}

function longestBeginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}

/** Byte by byte, so that what is not text comes back as it was; header values are Latin-1 as well. */
function asLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
