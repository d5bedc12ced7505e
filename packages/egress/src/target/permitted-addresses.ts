/** The one decision about addresses, taken at creation, at update, at test and for every connection. */

import { type IpAddress, ipv4InNat64, parseAddress } from "../address/address.ts";
import { type Cidr, cidrContains } from "../address/cidr.ts";
import { isPublic } from "../address/public-address.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { type IsOwnAddress, NOT_ASKED } from "./own-addresses.ts";
import type { TargetHost } from "./target-host.ts";

/** What can be said about a host before its name is resolved: false when no address could make it acceptable. */
export function mayBePermitted(host: TargetHost, policy: EgressPolicy): boolean {
  if (host.kind === "address") return areAddressesPermitted(host, [host.address], policy, NOT_ASKED);
  return host.isPublicName || policy.allowedTargets.length > 0;
}

/**
 * Whether a host with these addresses may be talked to: each of them has to be an allowed target or, unless the host
 * has an internal name, public, not denied and not this machine's. One that is neither condemns the rest, and so does having none at all.
 */
export function areAddressesPermitted(
  host: TargetHost,
  addresses: readonly string[],
  policy: EgressPolicy,
  isOwnAddress: IsOwnAddress,
): boolean {
  const mayBePublic = host.kind === "address" || host.isPublicName;
  return (
    addresses.length > 0 &&
    addresses.every((text) => {
      const address = judgedAddress(text, policy);
      if (address === undefined) return false;
      if (isIn(policy.allowedTargets, address)) return true;
      if (!mayBePublic || !isPublic(address) || isIn(policy.deniedTargets ?? [], address)) return false;
      return !isOwnAddress(address.toString());
    })
  );
}

function judgedAddress(text: string, policy: EgressPolicy): IpAddress | undefined {
  const address = parseAddress(text);
  if (address === undefined || !policy.judgesNat64ByIpv4) return address;
  return ipv4InNat64(address) ?? address;
}

function isIn(ranges: readonly Cidr[], address: IpAddress): boolean {
  return ranges.some((range) => cidrContains(range, address));
}
