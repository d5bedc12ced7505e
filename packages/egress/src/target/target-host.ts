/** The host of a URL: an address, or a name with the verdict on the name itself. */

import { parseAddress } from "../address/address.ts";
import { isPublicName } from "./public-name.ts";

export type TargetHost =
  | { readonly kind: "address"; readonly address: string }
  /** `name` is in lower case, in ASCII, without a trailing dot. */
  | { readonly kind: "name"; readonly name: string; readonly isPublicName: boolean };

const NAME_LENGTH_MAX = 253;
const LABEL_LENGTH_MAX = 63;

/**
 * @param hostname as the URL parser gives it: in lower case, every notation of IPv4 as dotted quad, IPv6 in brackets.
 * @returns undefined when it is a name with empty or too long parts.
 */
export function parseTargetHost(hostname: string): TargetHost | undefined {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  if (parseAddress(address) !== undefined) return { kind: "address", address };
  const name = hostname.replace(/\.$/, "");
  const isWellFormed =
    name.length <= NAME_LENGTH_MAX &&
    name.split(".").every((label) => label.length > 0 && label.length <= LABEL_LENGTH_MAX);
  return isWellFormed ? { kind: "name", name, isPublicName: isPublicName(name) } : undefined;
}
