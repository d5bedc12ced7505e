import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { createResolver } from "./resolver.ts";

interface Zone {
  readonly [name: string]: {
    readonly a?: readonly string[];
    readonly aaaa?: readonly string[];
    readonly ttlS?: number;
  };
}

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NOT_FOUND = 3;
const SERVER_FAILURE = 2;

/** A name server that answers from a zone, remembers what it was asked, and is silent or failing for two names. */
async function startNameServer(zone: Zone) {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, type, questionEnd } = readQuestion(query);
    asked.push(`${type === TYPE_A ? "A" : "AAAA"} ${name}`);
    if (name === "silent.test") return;
    const host = zone[name];
    const code = name === "failing.test" ? SERVER_FAILURE : host === undefined ? NOT_FOUND : 0;
    const addresses = (type === TYPE_A ? host?.a : type === TYPE_AAAA ? host?.aaaa : undefined) ?? [];
    const records = addresses.map((address) => record(type, host?.ttlS ?? 60, address));
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, query.subarray(12, questionEnd), ...records]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    asked,
    server: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

function readQuestion(query: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), questionEnd: at + 5 };
}

function record(type: number, ttlS: number, address: string): Buffer {
  const data = type === TYPE_A ? Buffer.from(address.split(".").map(Number)) : ipv6Bytes(address);
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0);
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(ttlS, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

/** Of an address with all its eight groups. */
function ipv6Bytes(address: string): Buffer {
  return Buffer.from(
    address
      .split(":")
      .map((group) => group.padStart(4, "0"))
      .join(""),
    "hex",
  );
}

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

  it("refuses a server that is none at creation", () => {
    expect(() => createResolver({ servers: ["dns.example"] })).toThrow("Invalid IP address: dns.example");
  });
});
