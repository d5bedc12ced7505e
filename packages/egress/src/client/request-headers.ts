/** The header lines of a request: the caller's, plus those that this client owns. */

import type { Header } from "./post-result.ts";

/** They steer the connection, the framing or the target, or are set here. */
const OWNED = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);

/**
 * Names and values alternating, as undici takes them. Throws a TypeError when the caller sets a header that is owned
 * here: the API refuses such headers, so it is a bug. Bodies are never decompressed, so none is asked to be compressed.
 */
export function requestHeaders(headers: readonly Header[], userAgent: string): string[] {
  const lines = ["user-agent", userAgent, "accept-encoding", "identity"];
  for (const [name, value] of headers) {
    if (OWNED.has(name.toLowerCase())) throw new TypeError(`the header ${name} is set by the egress client`);
    lines.push(name, value);
  }
  return lines;
}
