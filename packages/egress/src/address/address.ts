/** IP addresses as values. Parsing is strict: no octal, hex or short notations, no zones. */

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** An address in bytes. An IPv4 address that came mapped into IPv6 (`::ffff:a.b.c.d`) is an IPv4 address here. */
export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

export function parseAddress(text: string): IpAddress | undefined {
  switch (text.includes("%") ? 0 : isIP(text)) {
    case 4:
      return ipaddr.IPv4.parse(text);
    case 6: {
      // ipaddr.js takes `::a.b.c.d` for a mapped address; the URL parser's notation, hex throughout, is unambiguous.
      const hostname = new URL(`http://[${text}]`).hostname;
      return ipaddr.process(hostname.slice(1, -1));
    }
    default:
      return undefined;
  }
}

const NAT64 = ipaddr.IPv6.parse("64:ff9b::");

/** The IPv4 address in an address of NAT64's well-known prefix `64:ff9b::/96` (RFC 6052); undefined for any other. */
export function ipv4InNat64(address: IpAddress): IpAddress | undefined {
  if (address.kind() !== "ipv6" || !address.match(NAT64, 96)) return undefined;
  return new ipaddr.IPv4(address.toByteArray().slice(12));
}

/** Whether two texts name one address, in whatever notation. */
export function isSameAddress(left: string, right: string): boolean {
  const [a, b] = [parseAddress(left), parseAddress(right)];
  return a !== undefined && b !== undefined && a.toNormalizedString() === b.toNormalizedString();
}
