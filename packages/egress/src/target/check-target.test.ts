import { describe, expect, it } from "vitest";
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
