/** The check of a webhook's target when it is created, updated or tested: URL rules plus what its name resolves to. */

import type { Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { areAddressesPermitted } from "./permitted-addresses.ts";
import { NOT_PUBLIC, type TargetUrl, type UrlRefusal } from "./target-url.ts";

export type TargetCheck =
  | { readonly kind: "ok" }
  | UrlRefusal
  /** The name has no address now. It may get one: deliveries to it fail as `dns` until then. */
  | { readonly kind: "unresolvable"; readonly message: string };

/** Promises nothing about later: every connection resolves and checks again. */
export async function checkTarget(url: TargetUrl, policy: EgressPolicy, resolver: Resolver): Promise<TargetCheck> {
  const { host } = url;
  if (host.kind === "address") return areAddressesPermitted(host, [host.address], policy) ? { kind: "ok" } : NOT_PUBLIC;
  const resolution = await resolver.resolve(host.name);
  if (resolution.kind === "resolved") {
    return areAddressesPermitted(host, resolution.addresses, policy) ? { kind: "ok" } : NOT_PUBLIC;
  }
  // An internal name may pass only by its addresses, and it has none to show.
  if (!host.isPublicName) return NOT_PUBLIC;
  return { kind: "unresolvable", message: `the host name ${host.name} does not resolve` };
}
