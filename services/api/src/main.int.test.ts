/** The api's process, seen from outside: what it prints, how it stops, and what a SIGKILL leaves behind. */

import { isDeepStrictEqual } from "node:util";
import { ConfigReplica } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientOf, createTenant, startTestBackend, type TestBackend } from "./api.fixture.ts";
import { startProcess, type TestProcess } from "./process.fixture.ts";
import { createApiKeyRoute } from "./schemas/api-key.ts";
import { createOrganisationRoute } from "./schemas/organisation.ts";
import { createWebhookRoute } from "./schemas/webhook.ts";

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
  it("says in its log which request changed what", async () => {
    const api = await startApiProcess();
    const headers = { "x-request-id": "from-a-script.1" };
    const created = await api.call(createOrganisationRoute, { body: { name: "Acme" }, headers });
    expect(created.headers.get("x-request-id")).toBe("from-a-script.1");
    const refused = await api.call(createOrganisationRoute, { body: {}, headers });
    expect(refused.problem.instance).toBe("urn:posthorn:request:from-a-script.1");
    expect(await api.ended("SIGTERM")).toBe(0);
    const lines = api.output().split("\n");
    expect(lines.filter((line) => line.includes('"request_id":"from-a-script.1"'))).toEqual([
      expect.stringContaining('"operation":"createOrganisation"'),
    ]);
  });

  it("names its dependencies, and is ready without those that few requests need", async () => {
    const { url } = await startApiProcess();
    const report = async () => {
      const response = await fetch(`${url}/readyz`);
      const { status, dependencies } = (await response.json()) as {
        readonly status: string;
        readonly dependencies: Readonly<Record<string, { readonly status: string }>>;
      };
      return { status, ...Object.fromEntries(Object.entries(dependencies).map(([name, of]) => [name, of.status])) };
    };
    const expected = { status: "ready", postgres: "up", nats: "up", signer: "up", dispatcher: "down" };
    await waitUntil(async () => isDeepStrictEqual(await report(), expected), { describe: "readiness" });
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
