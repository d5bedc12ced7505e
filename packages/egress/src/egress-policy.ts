/** What an operator permits beyond https to public hosts, and what not even of those. */

import type { Cidr } from "./address/cidr.ts";

export interface EgressPolicy {
  readonly allowHttp: boolean;
  /** Exempt from every address, name and port rule. */
  readonly allowedTargets: readonly Cidr[];
  /** Not to be talked to although public, such as the operator's own addresses. None when absent. */
  readonly deniedTargets?: readonly Cidr[];
  /**
   * For networks with DNS64, where every IPv4 host also has an address in `64:ff9b::/96`: such an address is judged by
   * the IPv4 address in it. Refused when absent or false, because the translator may reach what is internal.
   */
  readonly judgesNat64ByIpv4?: boolean;
}
