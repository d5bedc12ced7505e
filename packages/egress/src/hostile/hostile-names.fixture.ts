/** Names whose name servers answer with something hostile, and what becomes of a webhook at each. */

import type { Host } from "../dns/name-server.fixture.ts";

export interface HostileName {
  readonly what: string;
  readonly host: Host | undefined;
  /** At creation. */
  readonly check: "ok" | "refused" | "unresolvable";
  /** Of a delivery. */
  readonly errorClass: "blocked" | "dns";
}

const PUBLIC_V6 = "2606:4700:4700:0:0:0:0:1111";

function blocked(what: string, host: Host): HostileName {
  return { what, host, check: "refused", errorClass: "blocked" };
}

function unresolved(what: string, host: Host | undefined): HostileName {
  return { what, host, check: "unresolvable", errorClass: "dns" };
}

export const HOSTILE_NAMES: readonly HostileName[] = [
  blocked("a name for loopback", { a: ["127.0.0.1"] }),
  blocked("a name for a private address", { a: ["10.1.2.3"] }),
  blocked("a name for the metadata service", { a: ["169.254.169.254"] }),
  blocked("a name for the unspecified address", { a: ["0.0.0.0"] }),
  blocked("a name for IPv6 loopback", { aaaa: ["0:0:0:0:0:0:0:1"] }),
  blocked("a name for a v4-mapped private address", { aaaa: ["0:0:0:0:0:ffff:a00:1"] }),
  blocked("a name for a v4-compatible address", { aaaa: ["0:0:0:0:0:0:7f00:1"] }),
  blocked("a name for a NAT64 address", { aaaa: ["64:ff9b:0:0:0:0:a9fe:a9fe"] }),
  blocked("a name for a 6to4 address", { aaaa: ["2002:a00:1:0:0:0:0:1"] }),
  blocked("a name for a Teredo address", { aaaa: ["2001:0:53aa:64c:0:0:f5ff:fffe"] }),
  blocked("a name for a unique local address", { aaaa: ["fd00:ec2:0:0:0:0:0:254"] }),
  blocked("a private address after a public one", { a: ["1.1.1.1", "192.168.1.1"] }),
  blocked("a private address before a public one", { a: ["192.168.1.1", "1.1.1.1"] }),
  blocked("one private address at the end of many", {
    a: [...Array.from({ length: 20 }, () => "1.1.1.1"), "10.0.0.1"],
  }),
  blocked("a public IPv4 address and a private IPv6 one", { a: ["1.1.1.1"], aaaa: ["fd00:0:0:0:0:0:0:1"] }),
  blocked("a private IPv4 address and a public IPv6 one", { a: ["10.0.0.1"], aaaa: [PUBLIC_V6] }),
  blocked("an alias of an internal name", { cname: ["postgres.internal"], a: ["10.0.0.5"] }),
  blocked("a chain of aliases to a private address", {
    cname: ["a.example.com", "b.example.com", "c.example.com"],
    a: ["172.16.0.1"],
  }),
  blocked("an alias of localhost", { cname: ["localhost"], a: ["127.0.0.1"] }),
  blocked("a private address that is said to last a week", { a: ["10.0.0.1"], ttlS: 604_800 }),
  blocked("a private address under another name", { a: ["10.0.0.1"], lie: "wrong_name" }),
  unresolved("a name that does not exist", undefined),
  unresolved("a name without addresses", {}),
  unresolved("an alias that leads nowhere", { cname: ["nowhere.example.com"] }),
  unresolved("an alias of itself", { lie: "cname_loop" }),
  unresolved("a name server that fails", { lie: "server_failure" }),
  unresolved("a name server that refuses", { lie: "refused" }),
  unresolved("a silent name server", { lie: "silent" }),
  unresolved("a name server slower than the look-up may take", { a: ["1.1.1.1"], delayMs: 2_000 }),
  unresolved("an answer under another id", { a: ["1.1.1.1"], lie: "wrong_id" }),
  unresolved("an answer to another question", { a: ["1.1.1.1"], lie: "wrong_question" }),
  unresolved("an answer of another type", { a: ["1.1.1.1"], lie: "wrong_type" }),
  unresolved("an answer that is cut off", { a: ["1.1.1.1"], lie: "short" }),
  unresolved("an answer that is said to be cut off, and no server on TCP", { a: ["1.1.1.1"], lie: "truncated" }),
  unresolved("garbage", { lie: "garbage" }),
  unresolved("more addresses than anybody needs", { a: Array.from({ length: 65 }, (_, index) => `1.1.1.${index}`) }),
];
