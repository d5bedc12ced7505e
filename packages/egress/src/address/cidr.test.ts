import { describe, expect, it } from "vitest";
import { isSameAddress, parseAddress } from "./address.ts";
import { cidrContains, parseCidrList } from "./cidr.ts";

function contains(list: string, address: string): boolean {
  const parsed = parseCidrList(list);
  const ip = parseAddress(address);
  if (parsed.kind === "refused" || ip === undefined) throw new Error(`bad example: ${list}, ${address}`);
  return parsed.cidrs.some((cidr) => cidrContains(cidr, ip));
}

describe("a list of CIDRs", () => {
  it.each([
    ["127.0.0.0/8, ::1/128", "127.255.255.255", true],
    ["127.0.0.0/8, ::1/128", "::1", true],
    ["127.0.0.0/8, ::1/128", "::2", false],
    ["127.0.0.2/32", "127.0.0.2", true],
    ["127.0.0.2/32", "127.0.0.3", false],
    ["127.0.0.0/8", "::ffff:127.0.0.1", true],
    ["127.0.0.0/8", "::7f00:1", false],
    ["127.0.0.0/8", "::127.0.0.1", false],
    ["0.0.0.0/0", "203.0.113.1", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "10.0.0.1", false],
    ["fd00::/9", "fd7f::1", true],
    ["fd00::/9", "fd80::1", false],
  ])("%s matches %s: %s", (list, address, expected) => expect(contains(list, address)).toBe(expected));

  it("may be empty", () => {
    expect(parseCidrList("")).toEqual({ kind: "ok", cidrs: [] });
    expect(parseCidrList(" , ")).toEqual({ kind: "ok", cidrs: [] });
  });

  it.each([
    ["127.0.0.1", '"127.0.0.1" is not a CIDR such as 10.0.0.0/8 or fd00::/8'],
    ["10.0.0.0/8, lan", '"lan" is not a CIDR such as 10.0.0.0/8 or fd00::/8'],
    ["10/8", '"10/8" is not a CIDR such as 10.0.0.0/8 or fd00::/8'],
    ["10.0.0.0/08", '"10.0.0.0/08" is not a CIDR such as 10.0.0.0/8 or fd00::/8'],
    ["10.0.0.0/33", '"10.0.0.0/33" has a prefix longer than 32 bits'],
    ["::/129", '"::/129" has a prefix longer than 128 bits'],
    ["10.1.2.3/8", '"10.1.2.3/8" has address bits set beyond its first 8'],
    ["fd00::1/64", '"fd00::1/64" has address bits set beyond its first 64'],
    ["::ffff:10.0.0.0/104", '"::ffff:10.0.0.0/104" must be written as an IPv4 range'],
  ])("refuses %s", (text, message) => expect(parseCidrList(text)).toEqual({ kind: "refused", message }));
});

describe("the same address", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["::ffff:127.0.0.1", "127.0.0.1", true],
    ["2001:DB8::1", "2001:db8:0:0::1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.1", "nonsense", false],
    ["nonsense", "nonsense", false],
  ])("%s and %s: %s", (left, right, expected) => expect(isSameAddress(left, right)).toBe(expected));
});
