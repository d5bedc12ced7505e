/** The one decision about addresses, taken at creation, at update, at test and for every connection. */

import { parseAddress } from "../address/address.ts";
import { cidrContains } from "../address/cidr.ts";
import { isPublic } from "../address/public-address.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import type { TargetHost } from "./target-host.ts";

/**
 * Whether a host with these addresses may be talked to: each of them has to be an allowed target or, unless the host
 * has an internal name, public. One that is neither condemns the rest, and so does having none at all.
 */
export function areAddressesPermitted(host: TargetHost, addresses: readonly string[], policy: EgressPolicy): boolean {
  const mayBePublic = host.kind === "address" || host.isPublicName;
  return (
    addresses.length > 0 &&
    addresses.every((text) => {
      const address = parseAddress(text);
      if (address === undefined) return false;
      const isAllowed = policy.allowedTargets.some((cidr) => cidrContains(cidr, address));
      return isAllowed || (mayBePublic && isPublic(address));
    })
  );
}
