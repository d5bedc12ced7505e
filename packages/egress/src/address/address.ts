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

/** Whether two texts name one address, in whatever notation. */
export function isSameAddress(left: string, right: string): boolean {
  const [a, b] = [parseAddress(left), parseAddress(right)];
  return a !== undefined && b !== undefined && a.toNormalizedString() === b.toNormalizedString();
}
