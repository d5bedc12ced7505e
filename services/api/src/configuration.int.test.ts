/** How a change comes from Postgres into the bucket, whatever is down or lost on the way. */

import { randomUUID } from "node:crypto";
import type { ConfigValue } from "@posthorn/domain";
import { ConfigReplica, hasSentinel } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { storeStory } from "./delivery-story.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { createApiKeyRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import { getDeliveryRoute } from "./schemas/delivery.ts";
import { createOrganisationRoute } from "./schemas/organisation.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let replica: ConfigReplica;
let resets: number;
const values = new Map<string, ConfigValue>();

beforeEach(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  tenant = await createTenant(api.call);
  resets = 0;
  values.clear();
  replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value),
    onReset: () => {
      resets += 1;
      values.clear();
    },
    onTrouble: () => {},
  });
});

afterEach(async () => {
  replica[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

async function create(changes: Readonly<Record<string, unknown>> = {}) {
  return (await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, ...changes } })).body;
}

/** Waits for the data plane to hold that of the webhook. */
async function comes(webhook: string, expected: object): Promise<void> {
  await waitUntil(
    () => {
      expect(values.get(`webhook.${tenant.org}.${webhook}`)).toMatchObject(expected);
      return true;
    },
    { describe: "the change to come into the bucket", timeoutMs: 15_000 },
  );
}

async function outboxIsEmpty(): Promise<void> {
  const count = backend.database.db.selectFrom("config_outbox").select((row) => row.fn.countAll<number>().as("rows"));
  await waitUntil(async () => (await count.executeTakeFirstOrThrow()).rows === 0, { describe: "an empty outbox" });
}

describe("the outbox", () => {
  it("brings in what a crash left behind, without anybody asking", async () => {
    const { id } = await create();
    // What the transaction of a change leaves when the process dies right after its commit.
    await backend.database.db.transaction().execute(async (transaction) => {
      await transaction
        .updateTable("webhooks")
        .set({ url: "http://127.0.0.1:9/late", version: 2 })
        .where("id", "=", id)
        .execute();
      const row = { kind: "webhook", org_id: tenant.org, entity_id: id, version: 2, created_at: new Date() };
      await transaction.insertInto("config_outbox").values(row).execute();
    });
    await comes(id, { version: 2, entry: { url: "http://127.0.0.1:9/late" } });
    await outboxIsEmpty();
  });

  it("never goes back to an older version", async () => {
    const { id } = await create();
    await api.call(updateWebhookRoute, { path: path({ webhook: id }), body: { url: "http://127.0.0.1:9/new" } });
    const stale = { kind: "webhook", org_id: tenant.org, entity_id: id, version: 1, created_at: new Date() };
    await backend.database.db.insertInto("config_outbox").values(stale).execute();
    await outboxIsEmpty();
    await replica.barrier();
    expect(values.get(`webhook.${tenant.org}.${id}`)).toMatchObject({
      version: 2,
      entry: { url: "http://127.0.0.1:9/new" },
    });
  });

  it("brings in many changes of one moment, each before its answer, through two replicas", async () => {
    await using second = await startTestApi(backend);
    const created = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const call = index % 2 === 0 ? api.call : second.call;
        const { body } = await call(createWebhookRoute, { path: path(), body: WEBHOOK });
        await replica.barrier();
        return values.get(`webhook.${tenant.org}.${body.id}`)?.kind;
      }),
    );
    expect(created).toEqual(created.map(() => "present"));
    await outboxIsEmpty();
  });

  it("turns deletions and revocations into tombstones", async () => {
    const { id } = await create();
    const key = (await api.call(createApiKeyRoute, { path: path(), body: { name: "x", scope: "ci" } })).body;
    await replica.barrier();
    expect(values.get(`api-key.${tenant.org}.${key.id}`)).toMatchObject({
      entry: { scope: "ci", hash: expect.any(String) },
    });
    expect(values.get(`organisation.${tenant.org}.${tenant.org}`)).toMatchObject({ kind: "present" });
    await api.call(deleteWebhookRoute, { path: path({ webhook: id }) });
    await api.call(revokeApiKeyRoute, { path: path({ key: key.id }) });
    await replica.barrier();
    expect(values.get(`webhook.${tenant.org}.${id}`)).toEqual({ kind: "deleted", version: 2 });
    expect(values.get(`api-key.${tenant.org}.${key.id}`)).toEqual({ kind: "deleted", version: 2 });
  });
});

describe("the bucket", () => {
  it("is complete once an api has started, without anything in Postgres too", async () => {
    expect(await hasSentinel(backend.connection)).toBe(true);
  });

  it("is filled once when several apis start at the same time, and all of them can change it at once", async () => {
    await api[Symbol.asyncDispose]();
    await backend.connection.manager.streams.delete("KV_config");
    const apis = await Promise.all([1, 2, 3].map(() => startTestApi(backend)));
    const [first, ...others] = apis;
    if (first === undefined) throw new Error("no api was started");
    api = first;
    const counts = await Promise.all(apis.map(copies));
    expect(counts.toSorted()).toEqual([0, 0, 1]);
    for (const { call } of apis) {
      expect((await call(createWebhookRoute, { path: path(), body: WEBHOOK })).status).toBe(201);
    }
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  it("is made anew and filled with everything, tombstones included, when it is lost", async () => {
    const [kept, deleted] = [await create(), await create()];
    await api.call(deleteWebhookRoute, { path: path({ webhook: deleted.id }) });
    await replica.barrier();
    const before = new Map(values);
    await using second = await startTestApi(backend);
    await backend.connection.manager.streams.delete("KV_config");
    await waitUntil(() => resets === 1 && replica.isComplete, { describe: "the new bucket", timeoutMs: 15_000 });
    await replica.barrier();
    expect(Object.fromEntries(values)).toEqual(Object.fromEntries(before));
    expect(values.get(`webhook.${tenant.org}.${kept.id}`)?.kind).toBe("present");
    expect(values.get(`webhook.${tenant.org}.${deleted.id}`)?.kind).toBe("deleted");
    // One for the first start, one for the loss, though two apis noticed it.
    expect((await copies(api)) + (await copies(second))).toBe(2);
    await comes((await create()).id, { kind: "present" });
  });

  it("is copied in pages", async () => {
    const rows = Array.from({ length: 1_203 }, () => ({
      id: randomUUID(),
      name: "x",
      created_at: new Date(),
      version: 1,
    }));
    await backend.database.db.insertInto("organisations").values(rows).execute();
    await backend.connection.manager.streams.delete("KV_config");
    await waitUntil(() => resets === 1 && replica.isComplete, { describe: "the new bucket", timeoutMs: 15_000 });
    for (const { id } of rows) expect(values.get(`organisation.${id}.${id}`)?.kind).toBe("present");
  });
});

async function copies(of: TestApi): Promise<number> {
  return Number(/^posthorn_api_config_copies_total (\d+)$/m.exec(await of.metrics())?.[1]);
}

describe("while NATS does not answer", () => {
  it("a change that was saved is not called done; it takes effect by itself", async () => {
    const { id } = await create();
    const change = (description: string) =>
      api.call(updateWebhookRoute, {
        path: path({ webhook: id }),
        body: { description, url: `http://127.0.0.1:9/${description}` },
      });
    await backend.nats.server.kill("SIGSTOP");
    const startedAtMs = performance.now();
    const late = await change("saved");
    expect(performance.now() - startedAtMs).toBeLessThan(4_000);
    expect(late.problem).toMatchObject({ status: 503, type: "not-in-effect-yet" });
    const refused = await change("refused");
    expect(refused.problem).toMatchObject({
      status: 503,
      type: "dependency-down",
      detail: "NATS does not answer. Nothing was changed; try again.",
    });
    expect((await api.call(getWebhookRoute, { path: path({ webhook: id }) })).body.description).toBe("saved");
    const outbox = await backend.database.db.selectFrom("config_outbox").selectAll().execute();
    expect(outbox).toMatchObject([{ kind: "webhook", org_id: tenant.org, entity_id: id, version: 2 }]);
    await backend.nats.server.kill("SIGCONT");
    await comes(id, { version: 2, entry: { url: "http://127.0.0.1:9/saved" } });
    await waitUntil(async () => (await change("again")).status === 200, {
      describe: "changes to work",
      timeoutMs: 15_000,
    });
  });

  it("a deletion that was saved is answered with 404 only when it is in effect", async () => {
    const { id } = await create();
    const remove = () => api.call(deleteWebhookRoute, { path: path({ webhook: id }) });
    await backend.nats.server.kill("SIGSTOP");
    expect((await remove()).problem.type).toBe("not-in-effect-yet");
    expect((await remove()).problem.type).toBe("dependency-down");
    await backend.nats.server.kill("SIGCONT");
    await waitUntil(async () => (await remove()).problem.status === 404, { describe: "a 404", timeoutMs: 15_000 });
    await replica.barrier();
    expect(values.get(`webhook.${tenant.org}.${id}`)).toEqual({ kind: "deleted", version: 2 });
  });

  it("changes are refused at once and change nothing, and what Postgres knows is still shown", async () => {
    const { id } = await create();
    await backend.nats.server.kill("SIGKILL");
    await waitUntil(() => !backend.connection.isConnected, { describe: "the outage to be noticed" });
    const startedAtMs = performance.now();
    const attempts = [
      api.call(createOrganisationRoute, { body: { name: "x" } }),
      api.call(createWebhookRoute, { path: path(), body: WEBHOOK }),
      api.call(updateWebhookRoute, { path: path({ webhook: id }), body: { description: "x" } }),
      api.call(deleteWebhookRoute, { path: path({ webhook: id }) }),
      api.call(revokeApiKeyRoute, { path: path({ key: tenant.adminKeyId }) }),
    ];
    for (const { problem } of await Promise.all(attempts)) expect(problem.type).toBe("dependency-down");
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    const { items } = (await api.call(listWebhooksRoute, { path: path(), key: tenant.keys.admin })).body;
    expect(items).toMatchObject([{ id, description: null }]);
    await backend.nats.server.restart();
    await waitUntil(async () => (await api.call(deleteWebhookRoute, { path: path({ webhook: id }) })).status === 204, {
      describe: "changes to work",
      timeoutMs: 15_000,
    });
  });

  it("a body that cannot be read now is not called gone", async () => {
    const { id: webhook } = await create();
    const { id: delivery } = await storeStory(backend, { org: tenant.org, webhook });
    await backend.nats.server.kill("SIGKILL");
    await waitUntil(() => !backend.connection.isConnected, { describe: "the outage to be noticed" });
    const { problem } = await api.call(getDeliveryRoute, { path: path({ delivery }) });
    expect(problem).toMatchObject({ status: 503, type: "dependency-down" });
  });
});

describe("while Postgres does not answer", () => {
  it("everything is answered with 503, and the api starts all the same", async () => {
    const url = new URL(backend.env.DATABASE_URL ?? "");
    url.port = "9";
    await using without = await startTestApi(backend, { DATABASE_URL: url.href });
    const { problem } = await without.call(listWebhooksRoute, { path: path() });
    expect(problem).toMatchObject({ status: 503, detail: "Postgres does not answer. Nothing was changed; try again." });
  });

  it("an api goes on once its connections, all broken, are made anew", async () => {
    await backend.database.pool.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'posthorn-api' and datname = current_database()`);
    await waitUntil(async () => (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).status === 201, {
      describe: "changes to work",
    });
  });
});
