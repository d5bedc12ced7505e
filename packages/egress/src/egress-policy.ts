/** What an operator permits beyond https to public hosts. */

import type { Cidr } from "./address/cidr.ts";

export interface EgressPolicy {
  readonly allowHttp: boolean;
  /** Exempt from every address, name and port rule. */
  readonly allowedTargets: readonly Cidr[];
}
