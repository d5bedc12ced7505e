/** The URL rules of webhooks, applied where a URL is entered. They are applied again at every attempt. */

import { checkTarget, type EgressPolicy, parseTargetUrl, type Resolver, type UrlRefusal } from "@posthorn/egress";

export type UrlCheck =
  | { readonly kind: "ok" }
  /** In words that do not repeat the URL. */
  | { readonly kind: "unfit" | "not-public" | "unresolvable"; readonly message: string };

export type CheckUrl = (url: string) => Promise<UrlCheck>;

/** Undefined when the URL may be called, else what is wrong with it in words that do not repeat it. */
export type UrlProblem = (url: string) => Promise<string | undefined>;

export function urlChecker(policy: EgressPolicy, resolver: Resolver): CheckUrl {
  return async (text) => {
    const parsed = parseTargetUrl(text, policy);
    if (parsed.kind === "refused") return refusalOf(parsed);
    const check = await checkTarget(parsed.url, policy, resolver);
    switch (check.kind) {
      case "ok":
        return check;
      case "refused":
        return refusalOf(check);
      case "unresolvable":
        return { kind: "unresolvable", message: check.message };
      default:
        return check satisfies never;
    }
  };
}

function refusalOf({ code, message }: UrlRefusal): UrlCheck {
  return { kind: code === "not_public" ? "not-public" : "unfit", message };
}

/** A name that does not resolve passes: it may get an address later, and fails as `dns` until then. */
export function urlProblemOf(check: CheckUrl): UrlProblem {
  return async (url) => {
    const found = await check(url);
    return found.kind === "ok" || found.kind === "unresolvable" ? undefined : found.message;
  };
}
