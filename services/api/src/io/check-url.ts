/** The URL rules of webhooks, applied where a URL is entered. They are applied again at every attempt. */

import { checkTarget, type EgressPolicy, parseTargetUrl, type Resolver } from "@posthorn/egress";

/** Undefined when the URL may be called, else what is wrong with it in words that do not repeat it. */
export type UrlProblem = (url: string) => Promise<string | undefined>;

/** A name that does not resolve passes: it may get an address later, and fails as `dns` until then. */
export function urlChecker(policy: EgressPolicy, resolver: Resolver): UrlProblem {
  return async (text) => {
    const parsed = parseTargetUrl(text, policy);
    if (parsed.kind === "refused") return parsed.message;
    const check = await checkTarget(parsed.url, policy, resolver);
    return check.kind === "refused" ? check.message : undefined;
  };
}
