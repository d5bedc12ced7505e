/** Masks the headers of a receiver's answer that may hold a credential, before they enter the log. */

import { maskUrl } from "./mask-url.ts";

/** Sessions and challenges are the receiver's secrets; history has no use for them. */
const MASKED = new Set([
  "set-cookie",
  "authorization",
  "proxy-authenticate",
  "www-authenticate",
  "authentication-info",
]);
/** These hold URLs, which may echo the query of ours. */
const URLS = new Set(["location", "content-location", "refresh", "link"]);

export function maskHeaders(
  headers: readonly (readonly [name: string, value: string])[],
): readonly (readonly [name: string, value: string])[] {
  return headers.map(([name, value]) => {
    const lower = name.toLowerCase();
    if (MASKED.has(lower)) return [name, "***"] as const;
    return [name, URLS.has(lower) ? maskUrl(value) : value] as const;
  });
}
