/** API keys where they are used to publish: they work when their creation has returned, and stop with their revocation. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createTenant,
  ROOT_KEY,
  startTestApi,
  startTestBackend,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { startProcess, type TestProcess } from "./process.fixture.ts";
import { createApiKeyRoute, listApiKeysRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";

let backend: TestBackend;
let api: TestApi;
let ingest: TestProcess;
let ingestUrl: string;
let org: string;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend, { POSTHORN_API_KEY_PREFIX: "myop_sk_" });
  ingest = startProcess("ingest", {
    NATS_URL: backend.nats.url,
    POSTHORN_ADMIN_KEY: ROOT_KEY,
    POSTHORN_INGEST_PORT: "0",
    POSTHORN_INGEST_GRPC_PORT: "0",
  });
  ingestUrl = `http://127.0.0.1:${await ingest.printed("http_port")}`;
  org = (await createTenant(api.call)).org;
});

afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

async function publish(key: string): Promise<number> {
  const response = await fetch(`${ingestUrl}/v1/orgs/${org}/events`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ type: "agent.status", data: {} }),
  });
  await response.arrayBuffer();
  return response.status;
}

const create = async (scope: string) =>
  (await api.call(createApiKeyRoute, { path: { org }, body: { name: scope, scope } })).body;

describe("a key of the configured prefix", () => {
  it("publishes from the moment at which its creation has returned", async () => {
    for (let round = 0; round < 20; round += 1) {
      const { key } = await create("runtime");
      expect(key).toMatch(/^myop_sk_[0-9a-f]{64}$/);
      expect(await publish(key)).toBe(202);
    }
  });

  it("stops within a second of its revocation, there and here, and stays known as revoked", async () => {
    const { id, key } = await create("admin");
    expect(await publish(key)).toBe(202);
    await api.call(revokeApiKeyRoute, { path: { org, key: id } });
    const revokedAtMs = performance.now();
    let status = await publish(key);
    while (status !== 401 && performance.now() - revokedAtMs < 1_000) status = await publish(key);
    expect(status).toBe(401);
    expect(performance.now() - revokedAtMs).toBeLessThan(1_000);
    expect((await api.call(listApiKeysRoute, { path: { org }, key })).problem.status).toBe(401);
    const { items } = (await api.call(listApiKeysRoute, { path: { org } })).body;
    expect(items.find((item) => item.id === id)?.revoked_at).toMatch(/Z$/);
  });

  it("that reads may not configure, and publishes nowhere else", async () => {
    const { key } = await create("runtime");
    const body = { name: "x", scope: "runtime" };
    expect((await api.call(createApiKeyRoute, { path: { org }, key, body })).problem.status).toBe(403);
    const stranger = await createTenant(api.call);
    expect(await publish(stranger.keys.runtime)).toBe(404);
  });
});
