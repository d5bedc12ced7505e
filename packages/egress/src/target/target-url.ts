/**
 * The URL of a webhook, parsed once. What was checked is what is connected to and what goes on the wire: all three are
 * read from the same `TargetUrl`. Everything that can be said without resolving a name is decided here.
 */

import { limits } from "@posthorn/domain";
import type { EgressPolicy } from "../egress-policy.ts";
import { mayBePermitted } from "./permitted-addresses.ts";
import { parseTargetHost, type TargetHost } from "./target-host.ts";

declare const brand: unique symbol;

/** Made only by `parseTargetUrl`. */
export interface TargetUrl {
  readonly [brand]: true;
  /** Parsing it again gives the same target. The query is the caller's text; only what is not ASCII is escaped. */
  readonly href: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly isTls: boolean;
  readonly host: TargetHost;
  readonly port: number;
  /** Path and query, as sent. */
  readonly path: string;
}

export type UrlRefusalCode =
  | "malformed"
  | "too_long"
  | "characters"
  | "scheme"
  | "userinfo"
  | "fragment"
  | "port"
  | "not_public";

export interface UrlRefusal {
  readonly kind: "refused";
  readonly code: UrlRefusalCode;
  /** For the person who entered the URL. */
  readonly message: string;
}

export type ParsedTargetUrl = { readonly kind: "ok"; readonly url: TargetUrl } | UrlRefusal;

const FORBIDDEN_CHARACTERS = /[\p{Cc}\s\\]/u;
const NON_ASCII = /[^\x21-\x7e]+/g;

const TOO_LONG = refused("too_long", `url is longer than ${limits.URL_LENGTH_MAX} characters, escapes included`);

/** One answer for every internal target, so that it cannot be used to map the network behind it. */
export const NOT_PUBLIC: UrlRefusal = refused("not_public", "url must point to a host on the public internet");

/**
 * A name that only an allowed target could make acceptable (`localhost`, say) passes while the policy allows any:
 * `checkTarget` and every connection decide about its addresses.
 */
export function parseTargetUrl(text: string, policy: EgressPolicy): ParsedTargetUrl {
  const problem = textProblem(text, policy);
  if (problem !== undefined) return problem;
  const parsed = URL.parse(text);
  if (parsed === null) return refused("malformed", "url is not a valid URL");
  if (parsed.port === "0") return refused("port", "url must not use port 0; allowed are 1 to 65535");

  const host = parseTargetHost(parsed.hostname);
  if (host === undefined) return refused("malformed", "url has a host name with empty or too long parts");
  if (!mayBePermitted(host, policy)) return NOT_PUBLIC;

  const isTls = parsed.protocol === "https:";
  const path = parsed.pathname + verbatimQuery(text);
  const { origin } = parsed;
  const href = origin + path;
  // Escapes make it longer, and it has to pass again when it is delivered to.
  if (href.length > limits.URL_LENGTH_MAX) return TOO_LONG;
  const port = parsed.port === "" ? (isTls ? 443 : 80) : Number(parsed.port);
  // The brand exists in types only.
  return { kind: "ok", url: { href, origin, isTls, host, port, path } as TargetUrl };
}

/** What is wrong with the text as it was entered, which the URL parser would repair or drop in silence. */
function textProblem(text: string, policy: EgressPolicy): UrlRefusal | undefined {
  if (text.length > limits.URL_LENGTH_MAX) return TOO_LONG;
  if (FORBIDDEN_CHARACTERS.test(text)) {
    return refused("characters", "url must not contain whitespace, control characters or backslashes");
  }
  const [, scheme, authority] = /^(https?):\/\/([^/?#]+)/i.exec(text) ?? [];
  if (scheme === undefined || (!policy.allowHttp && scheme.toLowerCase() === "http")) {
    return refused("scheme", `url must start with https://${policy.allowHttp ? " or http://" : ""} and a host`);
  }
  if (authority?.includes("@")) return refused("userinfo", "url must not contain a user name or password");
  if (text.includes("#")) return refused("fragment", "url must not contain a fragment (#)");
  return undefined;
}

/** The URL parser rewrites characters of a query (`'` to `%27`) that may be part of a token or a signature. */
function verbatimQuery(text: string): string {
  const start = text.indexOf("?");
  return start === -1 ? "" : text.slice(start).toWellFormed().replaceAll(NON_ASCII, encodeURIComponent);
}

function refused(code: UrlRefusalCode, message: string): UrlRefusal {
  return { kind: "refused", code, message };
}
