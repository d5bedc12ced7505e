/** The memory that hosts leave behind: what `limits.ts` says of 100,000 of them, seen to hold for fewer. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, vi } from "vitest";
import { response, startClient } from "../client/egress-client.fixture.ts";
import { startReceiver } from "../client/receiver.fixture.ts";
import { startNameServer } from "../dns/name-server.fixture.ts";
import { createResolver } from "../dns/resolver.ts";

const WARM_UP_HOSTS = 1_000;
const HOSTS = 5_000;
const AT_ONCE = 16;
/** This test's own name server remembers some 140 per host. An answer that is kept would cost 320 more. */
const HEAP_BYTES_PER_HOST_MAX = 300;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

it("does not grow with the number of distinct hosts", async () => {
  await using receiver = await startReceiver({ remembers: false });
  await using names = await startNameServer(new Proxy({}, { get: () => ({ a: ["127.0.0.1"] }) }));
  using resolver = createResolver({ servers: [names.server], answersMax: 500 });
  await using client = startClient({ resolver, limits: { connectionsMax: 100, keepAliveTimeoutMs: 1_000 } });
  let next = 0;
  async function postUntil(hosts: number): Promise<void> {
    while (next < hosts) {
      const result = await client.postTo(`http://host-${next++}.example.com:${receiver.port}/`);
      expect(response(result).status).toBe(200);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, () => postUntil(WARM_UP_HOSTS)));
  const beforeBytes = heapBytes();
  await Promise.all(Array.from({ length: AT_ONCE }, () => postUntil(HOSTS)));
  const grownBytes = heapBytes() - beforeBytes;
  expect(grownBytes).toBeLessThan((HOSTS - WARM_UP_HOSTS) * HEAP_BYTES_PER_HOST_MAX);
  expect(client.stats()).toMatchObject({ origins: 100, connections: 100 });
  await vi.waitUntil(() => client.stats().connections === 0, { timeout: 5_000 });
});
