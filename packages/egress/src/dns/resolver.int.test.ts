import { describe, expect, it } from "vitest";
import { startNameServer, type Zone } from "./name-server.fixture.ts";
import { createResolver } from "./resolver.ts";

const ZONE: Zone = {
  "v4.test": { a: ["192.0.2.1", "192.0.2.2"] },
  "v6.test": { aaaa: ["2001:db8:0:0:0:0:0:1"] },
  "both.test": { a: ["192.0.2.1"], aaaa: ["2001:db8:0:0:0:0:0:1", "0:0:0:0:0:0:7f00:1"] },
  "empty.test": {},
  "brief.test": { a: ["192.0.2.1"], ttlS: 0 },
  "lasting.test": { a: ["192.0.2.1"], ttlS: 86_400 },
};

describe("the resolver", () => {
  it.each([
    ["v4.test", { kind: "resolved", addresses: ["192.0.2.1", "192.0.2.2"] }],
    ["v6.test", { kind: "resolved", addresses: ["2001:db8::1"] }],
    ["both.test", { kind: "resolved", addresses: ["192.0.2.1", "2001:db8::1", "::127.0.0.1"] }],
    ["empty.test", { kind: "unresolved", reason: "not_found" }],
    ["nowhere.test", { kind: "unresolved", reason: "not_found" }],
    ["failing.test", { kind: "unresolved", reason: "failed" }],
  ])("%s: %o", async (name, expected) => {
    await using names = await startNameServer(ZONE);
    using resolver = createResolver({ servers: [names.server] });
    const resolution = await resolver.resolve(name);
    expect(resolution).toEqual(expected);
    expect([...names.asked].sort()).toEqual(expect.arrayContaining([`A ${name}`, `AAAA ${name}`]));
  });

  it("gives up on silent name servers", async () => {
    await using names = await startNameServer(ZONE);
    using resolver = createResolver({ servers: [names.server], timeoutMs: 600 });
    const startMs = performance.now();
    expect(await resolver.resolve("silent.test")).toEqual({ kind: "unresolved", reason: "timeout" });
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  it.each(["localhost", "a.localhost"])("knows %s without asking", async (name) => {
    await using names = await startNameServer(ZONE);
    using resolver = createResolver({ servers: [names.server] });
    expect(await resolver.resolve(name)).toEqual({ kind: "resolved", addresses: ["127.0.0.1", "::1"] });
    expect(names.asked).toEqual([]);
  });

  it("asks once for a burst", async () => {
    await using names = await startNameServer(ZONE);
    using resolver = createResolver({ servers: [names.server] });
    await Promise.all(Array.from({ length: 50 }, () => resolver.resolve("v4.test")));
    expect([...names.asked].sort()).toEqual(["A v4.test", "AAAA v4.test"]);
  });

  it.each([
    ["brief.test", 999, 1_000],
    ["lasting.test", 29_999, 30_000],
    ["nowhere.test", 4_999, 5_000],
  ])("keeps what it heard of %s for more than %d ms and less than %d", async (name, keptMs, goneMs) => {
    await using names = await startNameServer(ZONE);
    let nowMs = 0;
    using resolver = createResolver({ servers: [names.server], nowMs: () => nowMs });
    await resolver.resolve(name);
    nowMs = keptMs;
    await resolver.resolve(name);
    expect(names.asked).toHaveLength(2);
    nowMs = goneMs;
    await resolver.resolve(name);
    expect(names.asked).toHaveLength(4);
  });

  it("keeps no more answers than it may", async () => {
    await using names = await startNameServer(ZONE);
    using resolver = createResolver({ servers: [names.server], answersMax: 1 });
    for (const name of ["v4.test", "v6.test", "v4.test"]) await resolver.resolve(name);
    expect(names.asked).toHaveLength(6);
  });

  it("takes 64 addresses and not one more, whatever their family", async () => {
    const v4 = Array.from({ length: 63 }, (_, index) => `192.0.2.${index}`);
    const v6 = ["2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:2"];
    await using names = await startNameServer({
      "most.test": { a: v4, aaaa: v6.slice(1) },
      "more.test": { a: v4, aaaa: v6 },
    });
    using resolver = createResolver({ servers: [names.server] });
    expect(await resolver.resolve("most.test")).toMatchObject({ addresses: expect.objectContaining({ length: 64 }) });
    expect(await resolver.resolve("more.test")).toEqual({ kind: "unresolved", reason: "too_many_addresses" });
  });

  it("refuses a server that is none at creation", () => {
    expect(() => createResolver({ servers: ["dns.example"] })).toThrow("Invalid IP address: dns.example");
  });
});
