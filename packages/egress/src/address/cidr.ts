/** Address ranges in CIDR notation, compared on bytes. */

import { type IpAddress, parseAddress } from "./address.ts";

export interface Cidr {
  readonly text: string;
  /** The first address of the range. */
  readonly network: IpAddress;
  readonly prefixBits: number;
}

export type ParsedCidrList =
  | { readonly kind: "ok"; readonly cidrs: readonly Cidr[] }
  | { readonly kind: "refused"; readonly message: string };

const NOTATION = /^(.+)\/(0|[1-9]\d{0,2})$/;

/**
 * Reads `10.0.0.0/8, ::1/128`: CIDRs separated by commas; blanks are ignored and an empty text is an empty list.
 * A range that names an address inside of it instead of its first one is refused, because it may be a slip that opens
 * more than was meant; so is a range of v4-mapped addresses, which would never match.
 */
export function parseCidrList(text: string): ParsedCidrList {
  const cidrs: Cidr[] = [];
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const cidr = parseCidr(entry);
    if (typeof cidr === "string") return { kind: "refused", message: cidr };
    cidrs.push(cidr);
  }
  return { kind: "ok", cidrs };
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  return cidr.network.kind() === address.kind() && address.match(cidr.network, cidr.prefixBits);
}

/** A fixed list in the code. Throws on a slip in it. */
export function cidrs(...texts: readonly string[]): readonly Cidr[] {
  const parsed = parseCidrList(texts.join(","));
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return parsed.cidrs;
}

/** The range, or one sentence that says what is wrong with it. */
function parseCidr(text: string): Cidr | string {
  const [, addressText, bitsText] = NOTATION.exec(text) ?? [];
  const network = parseAddress(addressText ?? "");
  if (network === undefined) return `"${text}" is not a CIDR such as 10.0.0.0/8 or fd00::/8`;
  const isMapped = network.kind() === "ipv4" && addressText?.includes(":");
  if (isMapped) return `"${text}" must be written as an IPv4 range`;
  const prefixBits = Number(bitsText);
  const bytes = network.toByteArray();
  if (prefixBits > bytes.length * 8) return `"${text}" has a prefix longer than ${bytes.length * 8} bits`;
  const cidr = { text, network, prefixBits };
  return isFirstOfRange(bytes, prefixBits) ? cidr : `"${text}" has address bits set beyond its first ${prefixBits}`;
}

function isFirstOfRange(bytes: readonly number[], prefixBits: number): boolean {
  return bytes.every((byte, index) => {
    const keptBits = Math.min(Math.max(prefixBits - index * 8, 0), 8);
    return (byte & (0xff >> keptBits)) === 0;
  });
}
