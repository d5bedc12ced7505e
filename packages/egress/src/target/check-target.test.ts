import { describe, expect, it } from "vitest";
import { parseCidrList } from "../address/cidr.ts";
import { policyAllowing, resolverOf, targetUrl } from "../client/receiver.fixture.ts";
import type { Resolver } from "../dns/resolver.ts";
import { checkTarget } from "./check-target.ts";

const NOTHING = policyAllowing("");
const LOOPBACK = policyAllowing("127.0.0.0/8,::1/128");
const INTERNAL_NETWORK = policyAllowing("10.0.0.0/8");

describe("the check of a target at creation", () => {
  it.each([
    ["https://example.com/", NOTHING, ["1.1.1.1"], "ok"],
    ["https://example.com/", NOTHING, ["1.1.1.1", "2606:4700:4700::1111"], "ok"],
    ["https://example.com/", NOTHING, ["10.0.0.1"], "refused"],
    ["https://example.com/", NOTHING, ["1.1.1.1", "10.0.0.1"], "refused"],
    ["https://example.com/", NOTHING, ["1.1.1.1", "::1"], "refused"],
    ["https://example.com/", NOTHING, ["::ffff:169.254.169.254"], "refused"],
    ["https://example.com/", NOTHING, ["64:ff9b::1.1.1.1"], "refused"],
    ["https://example.com/", NOTHING, ["not an address"], "refused"],
    ["https://example.com/", NOTHING, [], "unresolvable"],
    ["https://1.1.1.1/", NOTHING, [], "ok"],
    // allowed targets
    ["http://example.com/", INTERNAL_NETWORK, ["10.0.0.1"], "ok"],
    ["http://example.com/", INTERNAL_NETWORK, ["10.0.0.1", "1.1.1.1"], "ok"],
    ["http://example.com/", INTERNAL_NETWORK, ["10.0.0.1", "192.168.0.1"], "refused"],
    ["http://localhost/", LOOPBACK, ["127.0.0.1", "::1"], "ok"],
    ["http://localhost/", policyAllowing("127.0.0.0/8"), ["127.0.0.1", "::1"], "refused"],
    ["http://localhost/", INTERNAL_NETWORK, ["127.0.0.1", "::1"], "refused"],
    ["http://hooks/", INTERNAL_NETWORK, ["10.0.0.1"], "ok"],
    // an internal name is never good for a public address, nor for none
    ["http://hooks/", INTERNAL_NETWORK, ["1.1.1.1"], "refused"],
    ["http://hooks/", INTERNAL_NETWORK, ["10.0.0.1", "1.1.1.1"], "refused"],
    ["http://metadata.google.internal/", LOOPBACK, [], "refused"],
    ["http://metadata.google.internal/", LOOPBACK, ["169.254.169.254"], "refused"],
  ])("%s under %o with addresses %j is %s", async (text, policy, addresses, expected) => {
    const url = targetUrl(text, policy);
    expect(
      await checkTarget(
        url,
        policy,
        resolverOf(() => addresses),
      ),
    ).toMatchObject({ kind: expected });
  });

  it.each([
    ["https://example.com/", ["203.0.114.5"], "refused"],
    ["https://203.0.114.5/", [], "refused"],
    ["https://example.com/", ["203.0.114.5", "1.1.1.1"], "refused"],
    ["https://example.com/", ["203.0.114.6"], "ok"],
    ["https://example.com/", ["2606:4700::5"], "refused"],
  ])("%s with addresses %j is %s where the operator denies his own", async (text, addresses, expected) => {
    const denied = parseCidrList("203.0.114.5/32, 2606:4700::/64");
    if (denied.kind === "refused") throw new Error(denied.message);
    const policy = { ...NOTHING, deniedTargets: denied.cidrs };
    const resolver = resolverOf(() => addresses);
    expect(await checkTarget(targetUrl(text, NOTHING), policy, resolver)).toMatchObject({ kind: expected });
  });

  it("refuses the public address of this machine, unless it is allowed", async () => {
    const isOwn = (address: string) => address === "1.1.1.1";
    const resolver = resolverOf(() => ["1.1.1.1"]);
    const url = targetUrl("http://example.com/", NOTHING);
    expect(await checkTarget(url, NOTHING, resolver, isOwn)).toMatchObject({ code: "not_public" });
    expect(await checkTarget(targetUrl("http://1.1.1.1/", NOTHING), NOTHING, resolver, isOwn)).toMatchObject({
      code: "not_public",
    });
    expect(await checkTarget(url, policyAllowing("1.1.1.1/32"), resolver, isOwn)).toEqual({ kind: "ok" });
    expect(await checkTarget(url, NOTHING, resolver)).toEqual({ kind: "ok" });
  });

  it.each([
    ["64:ff9b::1.1.1.1", "ok"],
    ["64:ff9b::127.0.0.1", "refused"],
    ["64:ff9b::a9fe:a9fe", "refused"],
    ["64:ff9b::7f00:1", "refused"],
    ["64:ff9b::10.0.0.1", "ok"],
    ["64:ff9b:1::1.1.1.1", "refused"],
    ["64:ff9b:0:0:0:1:101:101", "refused"],
    ["2002:101:101::", "refused"],
  ])("of %s is %s on a network with DNS64 and 10.0.0.0/8 allowed", async (address, expected) => {
    const policy = { ...INTERNAL_NETWORK, judgesNat64ByIpv4: true };
    const resolver = resolverOf(() => [address]);
    expect(await checkTarget(targetUrl("http://example.com/", policy), policy, resolver)).toMatchObject({
      kind: expected,
    });
  });

  it("judges a literal anew when the policy has changed", async () => {
    const url = targetUrl("http://127.0.0.1/", LOOPBACK);
    expect(
      await checkTarget(
        url,
        NOTHING,
        resolverOf(() => []),
      ),
    ).toMatchObject({ code: "not_public" });
  });

  it("refuses a name whose resolver counts no address as an answer", async () => {
    const empty: Resolver = { resolve: async () => ({ kind: "resolved", addresses: [] }) };
    expect(await checkTarget(targetUrl("https://a.example/", NOTHING), NOTHING, empty)).toMatchObject({
      kind: "refused",
    });
  });

  it("refuses with the one text for internal targets", async () => {
    const byName = await checkTarget(
      targetUrl("http://a.example/", NOTHING),
      NOTHING,
      resolverOf(() => ["10.0.0.1"]),
    );
    const byLiteral = await checkTarget(
      targetUrl("http://127.0.0.1/", LOOPBACK),
      NOTHING,
      resolverOf(() => []),
    );
    expect(byName).toEqual(byLiteral);
  });
});
