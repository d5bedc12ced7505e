/** Keys on two replicas each of api and ingest: they work everywhere at once, and nowhere a second after their end. */

import { Metadata, status } from "@grpc/grpc-js";
import { IngestServiceClient, type PublishStreamResponse } from "@posthorn/contracts";
import { callUnary, createGrpcClient } from "@posthorn/service-runtime";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { restClient } from "../../deploy/local/rest-client.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";

const ROUNDS = 10;
/** What the contract gives a revocation. */
const REVOKED_WITHIN_MS = 1_000;
const CALL_MS_MAX = 5_000;
const ASK_EVERY_MS = 25;

type Key = { readonly id: string; readonly key: string };
/** One way to use a key, at one replica. @returns whether it was let in; throws when it is neither in nor refused. */
type Door = { readonly name: string; readonly isOpen: (key: string) => Promise<boolean> };

let stack: TestStack;
let tenant: Tenant;
let doors: readonly Door[];
const clients: IngestServiceClient[] = [];
beforeAll(async () => {
  stack = await startTestStack({ counts: { api: 2, ingest: 2 } });
  tenant = await createTenant(stack, "keys");
  doors = stack.stack.instances.flatMap(({ service, name, httpPort, grpcPort }) => {
    const url = `http://127.0.0.1:${httpPort}`;
    if (service === "api") return [{ name, isOpen: (key: string) => reads(url, key) }];
    if (service !== "ingest") return [];
    const client = createGrpcClient(IngestServiceClient, `127.0.0.1:${grpcPort}`);
    clients.push(client);
    return [
      { name: `${name} by HTTP`, isOpen: (key: string) => publishes(url, key) },
      { name: `${name} by gRPC`, isOpen: (key: string) => publishesByGrpc(client, key) },
    ];
  });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await stack[Symbol.asyncDispose]();
});

const keysPath = () => `/v1/orgs/${tenant.orgId}/api-keys`;
const EVENT = { type: "key.used", data: {} };

function letIn(answered: number, expected: number): boolean {
  if (answered === expected) return true;
  if (answered === 401) return false;
  throw new Error(`was answered ${answered}`);
}

async function reads(url: string, key: string): Promise<boolean> {
  return letIn((await restClient(url, key)("GET", `/v1/orgs/${tenant.orgId}/webhooks`)).status, 200);
}

async function publishes(url: string, key: string): Promise<boolean> {
  return letIn((await restClient(url, key)("POST", `/v1/orgs/${tenant.orgId}/events`, EVENT)).status, 202);
}

async function publishesByGrpc(client: IngestServiceClient, key: string): Promise<boolean> {
  const event = { type: EVENT.type, data: Buffer.from("{}"), id: "", timestamp: "" };
  const publish = callUnary(
    client.publish.bind(client),
    { orgId: tenant.orgId, event },
    { deadlineMs: CALL_MS_MAX, metadata: bearer(key) },
  );
  return publish.then(
    () => true,
    (error: { code?: number }) => {
      if (error.code === status.UNAUTHENTICATED) return false;
      throw error;
    },
  );
}

function bearer(key: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${key}`);
  return metadata;
}

async function makeKey(scope: string): Promise<Key> {
  return expectAnswer<Key>(await tenant.api("POST", keysPath(), { name: `a ${scope} key`, scope }), 201);
}

it("opens every door as soon as a key's creation returned, and closes all within a second of its revocation", async () => {
  expect(doors).toHaveLength(6);
  const closedAfterMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id, key } = await makeKey(["admin", "ci", "runtime"][round % 3] ?? "");
    const open = await Promise.all(doors.map((door) => door.isOpen(key)));
    expect(open).toEqual(doors.map(() => true));

    expect((await tenant.api("DELETE", `${keysPath()}/${id}`)).status).toBe(204);
    const revokedAtMs = performance.now();
    const closed = await Promise.all(doors.map((door) => closedAfter(door, key, revokedAtMs)));
    closedAfterMs.push(Math.max(...closed));
    await new Promise((resolve) => setTimeout(resolve, revokedAtMs + REVOKED_WITHIN_MS - performance.now()));
    expect(await Promise.all(doors.map((door) => door.isOpen(key)))).toEqual(doors.map(() => false));
  }
  console.log(
    `closed everywhere ${closedAfterMs.map((ms) => ms.toFixed(0)).join(", ")} ms after the revocation's answer`,
  );
  expect(Math.max(...closedAfterMs)).toBeLessThan(REVOKED_WITHIN_MS);
});

/** When the last call began that was let in; 0 when there was none. */
async function closedAfter(door: Door, key: string, revokedAtMs: number): Promise<number> {
  let lastOpenMs = 0;
  for (;;) {
    const askedAtMs = performance.now() - revokedAtMs;
    if (!(await door.isOpen(key))) return lastOpenMs;
    lastOpenMs = askedAtMs;
    if (askedAtMs > REVOKED_WITHIN_MS) return lastOpenMs;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

it("stops a stream that was opened with the key", async () => {
  const { id, key } = await makeKey("runtime");
  const [client] = clients;
  if (client === undefined) throw new Error("there are two ingests");
  const stream = client.publishStream(bearer(key));
  const answers: PublishStreamResponse[] = [];
  stream.on("data", (answer: PublishStreamResponse) => answers.push(answer));
  const errors: unknown[] = [];
  stream.on("error", (error) => errors.push(error));
  const event = { type: "key.stream", data: Buffer.from("{}"), id: "", timestamp: "" };
  const publish = async (requestId: number) => {
    stream.write({ requestId, orgId: tenant.orgId, event });
    return waitUntil(() => answers.find((answer) => answer.requestId === requestId), { timeoutMs: CALL_MS_MAX });
  };
  expect((await publish(1)).result?.error).toBeUndefined();
  expect((await tenant.api("DELETE", `${keysPath()}/${id}`)).status).toBe(204);
  await new Promise((resolve) => setTimeout(resolve, REVOKED_WITHIN_MS));
  expect((await publish(2)).result?.error?.code).toBe("unauthenticated");
  stream.cancel();
});

it("lets a runtime key publish and read, and nothing else", async () => {
  const { key } = await makeKey("runtime");
  const root = `/v1/orgs/${tenant.orgId}`;
  const webhook = await tenant.subscribe({ url: "http://127.0.0.1:9/hook", events: ["never"] });
  const api = restClient(stack.stack.apiUrl, key);
  const ingest = restClient(stack.stack.ingestUrl, key);
  expect((await ingest("POST", `${root}/events`, EVENT)).status).toBe(202);
  for (const list of ["webhooks", "deliveries", "events", "event-types", "replays", `webhooks/${webhook.id}`]) {
    expect({ list, status: (await api("GET", `${root}/${list}`)).status }).toEqual({ list, status: 200 });
  }
  const since = new Date().toISOString();
  const forbidden: readonly [string, string, unknown?][] = [
    ["POST", "webhooks", { url: "http://127.0.0.1:9/", events: ["*"] }],
    ["PATCH", `webhooks/${webhook.id}`, { is_active: false }],
    ["DELETE", `webhooks/${webhook.id}`],
    ["POST", `webhooks/${webhook.id}/rotate-secret`, {}],
    ["POST", `webhooks/${webhook.id}/test`, {}],
    ["POST", `webhooks/${webhook.id}/replay`, { since }],
    ["POST", "event-types", { name: "a.type" }],
    ["GET", "api-keys"],
    ["POST", "api-keys", { name: "more", scope: "admin" }],
    ["GET", "audit"],
  ];
  for (const [method, path, body] of forbidden) {
    expect({ method, path, status: (await api(method, `${root}/${path}`, body)).status }).toEqual({
      method,
      path,
      status: 403,
    });
  }
  expect((await api("POST", "/v1/orgs", { name: "mine" })).status).toBe(403);
  const other = await createTenant(stack, "other");
  expect((await api("GET", `/v1/orgs/${other.orgId}/webhooks`)).status).toBe(404);
  expect((await ingest("POST", `/v1/orgs/${other.orgId}/events`, EVENT)).status).toBe(404);
});
