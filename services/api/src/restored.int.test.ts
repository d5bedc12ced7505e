/** What was answered, after NATS or Postgres was put back to an older state; and a disk that is full. */

import type { ConfigValue } from "@posthorn/domain";
import { ConfigReplica } from "@posthorn/message-bus";
import { keepDatabase, keepStream, waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { createApiKeyRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

const RESTORED_MS_MAX = 20_000;
/** More than the pool of the api has. */
const CONNECTIONS_MAX = 16;

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let replica: ConfigReplica;
const values = new Map<string, ConfigValue>();

beforeEach(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  tenant = await createTenant(api.call);
  values.clear();
  replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value),
    onReset: () => values.clear(),
    onTrouble: () => {},
  });
});
afterEach(async () => {
  replica[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });
const create = async () => (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id;
const update = (webhook: string, url: string) =>
  api.call(updateWebhookRoute, { path: path({ webhook }), body: { url } });
const inBucket = (webhook: string) => values.get(`webhook.${tenant.org}.${webhook}`);

/** Postgres was away: until then each of the api's connections fails once more. */
async function untilAllConnectionsAnswer(webhook: string): Promise<void> {
  const look = () => api.call(getWebhookRoute, { path: path({ webhook }) }).catch(() => undefined);
  await waitUntil(
    async () => {
      const answers = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, look));
      return answers.every((answer) => answer?.status === 200);
    },
    { timeoutMs: RESTORED_MS_MAX },
  );
}

async function metric(name: string): Promise<number> {
  const line = (await api.metrics()).split("\n").find((one) => one.startsWith(`posthorn_${name} `));
  return Number(line?.split(" ").at(-1));
}

it("an older bucket gets back by itself what was written since", async () => {
  const before = await create();
  const kept = await keepStream(backend.nats, "KV_config", "all");
  await waitUntil(async () => (await update(before, "http://127.0.0.1:9/newer")).status === 200, {
    timeoutMs: RESTORED_MS_MAX,
  });
  const [since, deleted] = [await create(), await create()];
  await api.call(deleteWebhookRoute, { path: path({ webhook: deleted }) });
  const mendedBefore = await metric("api_config_mended_total");
  await kept.putBack();
  // A change that is just being made may count, too.
  await waitUntil(async () => (await metric("api_config_mended_total")) >= mendedBefore + 3, {
    describe: "what the bucket had lost",
    timeoutMs: RESTORED_MS_MAX,
  });
  await replica.barrier();
  expect(inBucket(before)).toMatchObject({ kind: "present", entry: { url: "http://127.0.0.1:9/newer" } });
  expect(inBucket(since)).toMatchObject({ kind: "present", version: 1 });
  expect(inBucket(deleted)).toEqual({ kind: "deleted", version: 2 });
  expect(await metric("api_config_ahead")).toBe(0);
}, 60_000);

it("an older Postgres takes nothing back: deletions stand, what is in effect is told, and changes come into effect", async () => {
  const [changed, deleted] = [await create(), await create()];
  const key = (await api.call(createApiKeyRoute, { path: path(), body: { name: "x", scope: "ci" } })).body;
  await using kept = await keepDatabase(backend.env.DATABASE_URL ?? "");
  await untilAllConnectionsAnswer(changed);
  await update(changed, "http://127.0.0.1:9/second");
  await update(changed, "http://127.0.0.1:9/third");
  await api.call(deleteWebhookRoute, { path: path({ webhook: deleted }) });
  await api.call(revokeApiKeyRoute, { path: path({ key: key.id }) });
  const unknown = await create();
  await replica.barrier();
  const version = inBucket(changed)?.version ?? 0;

  await kept.putBack();
  await waitUntil(async () => (await metric("api_config_ahead")) === 2, {
    describe: "the loss to be noticed",
    timeoutMs: RESTORED_MS_MAX,
  });
  await untilAllConnectionsAnswer(changed);
  expect((await api.call(getWebhookRoute, { path: path({ webhook: deleted }) })).status).toBe(404);
  expect((await api.call(listWebhooksRoute, { path: path(), key: key.key })).status).toBe(401);
  await replica.barrier();
  expect(inBucket(changed)).toMatchObject({ version, entry: { url: "http://127.0.0.1:9/third" } });
  expect(inBucket(deleted)?.kind).toBe("deleted");
  expect(inBucket(unknown)?.kind).toBe("present");

  expect((await update(changed, "http://127.0.0.1:9/fourth")).status).toBe(200);
  await replica.barrier();
  expect(inBucket(changed)).toMatchObject({ version: version + 1, entry: { url: "http://127.0.0.1:9/fourth" } });
}, 60_000);

it("a full disk of Postgres is answered with 503, and changes go on when there is room", async () => {
  const { pool } = backend.database;
  await pool.query(`create function disk_is_full() returns trigger language plpgsql as $body$
    begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $body$`);
  await pool.query("create trigger full_disk before insert on webhooks execute function disk_is_full()");
  const refused = await api.call(createWebhookRoute, { path: path(), body: WEBHOOK });
  expect(refused.status).toBe(503);
  expect(refused.problem.type).toContain("perhaps-saved");
  await pool.query("drop trigger full_disk on webhooks");
  expect((await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).status).toBe(201);
});
