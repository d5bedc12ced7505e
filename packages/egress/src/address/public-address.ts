/**
 * Decides whether an address belongs to the public internet. Two lists have to agree: ipaddr.js's registry of special
 * ranges and the deny list below, which adds what providers put at public-looking addresses.
 */

import { type IpAddress, parseAddress } from "./address.ts";
import { cidrContains, cidrs } from "./cidr.ts";

/** IANA has allocated public IPv6 addresses from this range only; everything else is reserved or special. */
const GLOBAL_UNICAST_V6 = cidrs("2000::/3");

const DENIED = cidrs(
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT
  "127.0.0.0/8",
  "168.63.129.16/32", // Azure's host services, reachable from inside only
  "169.254.0.0/16", // link-local: the metadata services
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96", // unspecified, loopback, v4-compatible
  "64:ff9b::/96", // NAT64: any IPv4 host, internal ones included
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23", // Teredo (embeds IPv4), ORCHID, benchmarking
  "2001:db8::/32",
  "2002::/16", // 6to4 (embeds IPv4)
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
);

/** False for internal, special and reserved addresses, and for a text that is no address in canonical notation. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isPublic(address);
}

export function isPublic(address: IpAddress): boolean {
  if (address.range() !== "unicast") return false;
  if (address.kind() === "ipv6" && !isIn(GLOBAL_UNICAST_V6, address)) return false;
  return !isIn(DENIED, address);
}

function isIn(ranges: typeof DENIED, address: IpAddress): boolean {
  return ranges.some((range) => cidrContains(range, address));
}
