/** What a webhook's owner wants sent besides our own headers: a bearer token, and headers of any name. All are secrets. */

import { limits } from "@posthorn/domain";
import type { SignatureHeader } from "./sign-attempt.ts";

/** Every character of a JSON string may need a second one before it. */
export const HEADERS_TEXT_LENGTH_MAX =
  2 * limits.CUSTOM_HEADERS_MAX * (limits.CUSTOM_HEADER_NAME_LENGTH_MAX + limits.CUSTOM_HEADER_VALUE_LENGTH_MAX);

export function tokenHeader(token: string): SignatureHeader {
  return { name: "Authorization", value: `Bearer ${token}`, secret: true };
}

/** @returns undefined when the text is no JSON object of names and values. */
export function customHeaders(text: string): readonly SignatureHeader[] | undefined {
  const entries = entriesOf(text);
  if (entries === undefined || entries.length > limits.CUSTOM_HEADERS_MAX) return undefined;
  const headers: SignatureHeader[] = [];
  for (const [name, value] of entries) {
    if (typeof value !== "string") return undefined;
    headers.push({ name, value, secret: true });
  }
  return headers;
}

function entriesOf(text: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}
