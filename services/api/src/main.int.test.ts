/** The api's process, seen from outside: what it prints, how it stops, and what a SIGKILL leaves behind. */

import { isDeepStrictEqual } from "node:util";
import { ConfigReplica } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientOf, createTenant, ROOT_KEY, startTestBackend, type TestBackend } from "./api.fixture.ts";
import { startProcess, type TestProcess } from "./process.fixture.ts";
import { createApiKeyRoute, listApiKeysRoute } from "./schemas/api-key.ts";
import { listOrganisationsRoute } from "./schemas/organisation.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

let backend: TestBackend;
const processes: TestProcess[] = [];

beforeEach(async () => {
  backend = await startTestBackend();
});

afterEach(async () => {
  for (const child of processes.splice(0)) await child[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

async function startApiProcess(env: Readonly<Record<string, string>> = {}) {
  const child = startProcess("api", { ...backend.env, POSTHORN_LOG_LEVEL: "trace", ...env });
  processes.push(child);
  const url = `http://127.0.0.1:${await child.printed("http_port")}`;
  return { ...child, url, call: clientOf(url) };
}

const CANARY = "whsec_Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5";

// Lists, errors, log lines, figures, columns of Postgres, values of the bucket.
it("shows a secret in one answer and nowhere else", async () => {
  const api = await startApiProcess();
  const { org, keys } = await createTenant(api.call);
  const path = { org };
  const body = { url: `http://127.0.0.1:9/?token=${CANARY}-query`, events: ["*"] };
  const seen: string[] = [];

  const created = await api.call(createWebhookRoute, { path, body: { ...body, secret: CANARY } });
  expect(created.body.secret).toBe(CANARY);
  const generated = (await api.call(createWebhookRoute, { path, body })).body;
  const webhook = { org, webhook: created.body.id };
  const answers = [
    await api.call(listWebhooksRoute, { path }),
    await api.call(getWebhookRoute, { path: webhook, key: keys.runtime }),
    await api.call(updateWebhookRoute, { path: webhook, body: { secret: CANARY } }),
    await api.call(createWebhookRoute, { path, body: { ...body, secret: `${CANARY}\n` } }),
    await api.call(createWebhookRoute, { path, body: { ...body, secret: [CANARY] } }),
    await api.call(createWebhookRoute, { path, body: { ...body, url: `ftp://${CANARY}@x/${CANARY}` } }),
    await api.call(createWebhookRoute, { path, bytes: `{"secret": "${CANARY}` }),
    await api.call(createWebhookRoute, { path, body: CANARY }),
    await api.call(listWebhooksRoute, { path, query: { cursor: CANARY } }),
    await api.call(listWebhooksRoute, { path, key: CANARY }),
    await api.call(getWebhookRoute, { path: { org, webhook: CANARY } }),
    await api.call(listApiKeysRoute, { path }),
    await api.call(listOrganisationsRoute),
  ];
  seen.push(...answers.map((answer) => answer.text));
  await api.call(deleteWebhookRoute, { path: webhook });
  seen.push(await (await fetch(`${api.url}/metrics`)).text());
  seen.push(await (await fetch(`${api.url}/readyz`)).text());
  expect(await api.ended("SIGTERM")).toBe(0);
  seen.push(api.output());
  expect(api.output()).toContain("the configuration was changed");
  const withoutUrls = await everyColumn(["url"]);
  const bucket = await everyValueOfTheBucket();
  expect(bucket).toContain(generated.id);

  for (const secret of [CANARY, generated.secret, keys.admin, keys.runtime, ROOT_KEY]) {
    for (const text of [...seen, withoutUrls]) for (const form of spellings(secret)) expect(text).not.toContain(form);
    // The URL goes to the data plane as it is; only the secrets must not.
    const url = `${CANARY}-query`;
    for (const form of spellings(secret))
      expect(bucket.replaceAll(url, "").replaceAll(hexOf(url), "")).not.toContain(form);
  }
});

/** As it is, and as it would look in a dump of bytes. */
function spellings(secret: string): string[] {
  const decoded = Buffer.from(secret.replace("whsec_", ""), "base64");
  return [secret, Buffer.from(secret).toString("base64").slice(0, -4), hexOf(secret), decoded.toString("hex")];
}

const hexOf = (text: string) => Buffer.from(text).toString("hex");

async function everyColumn(except: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const table of ["organisations", "api_keys", "webhooks", "config_outbox"]) {
    const { rows } = await backend.database.pool.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from ${table} t`,
    );
    for (const { row } of rows) {
      texts.push(JSON.stringify(Object.entries(row).filter(([column]) => !except.includes(column))));
    }
  }
  return texts.join("\n");
}

async function everyValueOfTheBucket(): Promise<string> {
  const { state } = await backend.connection.manager.streams.info("KV_config");
  const texts: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await backend.connection.manager.streams.getMessage("KV_config", { seq }).catch(() => null);
    if (message !== null)
      texts.push(Buffer.from(message.data).toString("latin1"), Buffer.from(message.data).toString("hex"));
  }
  return texts.join("\n");
}

it("brings in, after a restart, what it had saved when it was killed before the bucket knew", async () => {
  const values = new Map<string, string>();
  using replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value.kind),
    onReset: () => values.clear(),
    onTrouble: () => {},
  });
  const first = await startApiProcess();
  const { org } = await createTenant(first.call);
  await backend.nats.server.kill("SIGSTOP");
  const answer = first
    .call(createWebhookRoute, { path: { org }, body: { url: "http://127.0.0.1:9/", events: ["*"] } })
    .catch(() => "cut off");
  const saved = await waitUntil(() => backend.database.db.selectFrom("webhooks").select("id").executeTakeFirst(), {
    describe: "the row to be committed",
  });
  expect(await first.ended("SIGKILL")).toBeNull();
  await backend.nats.server.kill("SIGCONT");
  expect(await answer).toBe("cut off");
  await replica.barrier();
  expect(values.get(`webhook.${org}.${saved.id}`)).toBeUndefined();

  await startApiProcess();
  await waitUntil(() => values.get(`webhook.${org}.${saved.id}`) === "present", {
    describe: "the webhook in the bucket",
  });
});

describe("the process", () => {
  it("names its dependencies and is ready", async () => {
    const { url } = await startApiProcess();
    const ready = async () => (await fetch(`${url}/readyz`)).json() as Promise<Record<string, unknown>>;
    const up = { status: "up" };
    const expected = { status: "ready", dependencies: { postgres: up, nats: up, signer: up } };
    await waitUntil(async () => isDeepStrictEqual(await ready(), expected), { describe: "readiness" });
  });

  it("answers what is in flight when it is asked to stop, and ends with 0", async () => {
    const api = await startApiProcess();
    const { org } = await createTenant(api.call);
    const answers = Array.from({ length: 20 }, (_, index) =>
      api
        .call(createApiKeyRoute, { path: { org }, body: { name: `key ${index}`, scope: "ci" } })
        .then(({ status }) => status),
    );
    await Promise.race(answers);
    expect(await api.ended("SIGTERM")).toBe(0);
    const settled = await Promise.allSettled(answers);
    const count = backend.database.db.selectFrom("api_keys").select((row) => row.fn.countAll<number>().as("rows"));
    const { rows } = await count.executeTakeFirstOrThrow();
    const created = settled.filter((answer) => answer.status === "fulfilled" && answer.value === 201).length;
    // Three keys were there before. Nothing was begun and left without an answer.
    expect(rows - 3).toBe(created);
  });
});
