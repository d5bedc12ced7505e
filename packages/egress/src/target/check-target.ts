/** The check of a webhook's target when it is created, updated or tested: URL rules plus what its name resolves to. */

import type { Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { type IsOwnAddress, isOwnAddress } from "./own-addresses.ts";
import { areAddressesPermitted, mayBePermitted } from "./permitted-addresses.ts";
import { NOT_PUBLIC, type TargetUrl, type UrlRefusal } from "./target-url.ts";

export type TargetCheck =
  | { readonly kind: "ok" }
  | UrlRefusal
  /** The name has no address now. It may get one: deliveries to it fail as `dns` until then. */
  | { readonly kind: "unresolvable"; readonly message: string };

/**
 * Promises nothing about later: every connection resolves and checks again.
 * @param isOwn whether an address is this machine's.
 */
export async function checkTarget(
  url: TargetUrl,
  policy: EgressPolicy,
  resolver: Resolver,
  isOwn: IsOwnAddress = isOwnAddress,
): Promise<TargetCheck> {
  const { host } = url;
  const judge = (addresses: readonly string[]): TargetCheck =>
    areAddressesPermitted(host, addresses, policy, isOwn) ? { kind: "ok" } : NOT_PUBLIC;
  if (!mayBePermitted(host, policy)) return NOT_PUBLIC;
  if (host.kind === "address") return judge([host.address]);
  const resolution = await resolver.resolve(host.name);
  if (resolution.kind === "resolved") return judge(resolution.addresses);
  // An internal name may pass only by its addresses, and it has none to show.
  if (!host.isPublicName) return NOT_PUBLIC;
  return { kind: "unresolvable", message: `the host name ${host.name} does not resolve` };
}
