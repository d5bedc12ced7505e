/** What an organisation sets, seen where it takes effect: at ingest, on the wire, in history and in the audit. */

import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { restClient } from "../../deploy/local/rest-client.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Delivery, expectAnswer, type Tenant } from "../tenant.ts";

type Problem = { readonly status: number; readonly errors: readonly { path: string; message: string }[] };
type Explanation = { readonly webhook_id: string; readonly would_deliver: boolean; readonly reason: string | null };
type AuditEntry = {
  readonly actor: string;
  readonly action: string;
  readonly subject_id: string;
  readonly fields: readonly string[];
};

/** How long nothing may come that must not come. */
const QUIET_MS = 1_000;

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "control plane");
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const root = () => `/v1/orgs/${tenant.orgId}`;
const arrivedAt = (path: string) => receiver.requests.filter((request) => request.path === path);

/** What came to the path, once there is this much and no more has followed for a while. */
async function exactly(path: string, count: number) {
  await waitUntil(() => arrivedAt(path).length >= count, {
    timeoutMs: 15_000,
    describe: () => `${count} requests at ${path}, of which ${arrivedAt(path).length} came`,
  });
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  expect(arrivedAt(path)).toHaveLength(count);
  return arrivedAt(path);
}

async function publish(event: unknown, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${stack.stack.ingestUrl}${root()}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(event),
  });
  return { status: response.status, body: (await response.json()) as Problem }; // a refusal, where it is looked at
}

async function onlyDelivery(webhookId: string): Promise<Delivery> {
  const [found] = await waitUntil(
    async () => {
      const deliveries = await tenant.deliveriesOf(webhookId);
      return deliveries.length > 0 ? deliveries : undefined;
    },
    { timeoutMs: 15_000, describe: "a delivery in history" },
  );
  return tenant.settled(found?.id ?? "", ["delivered", "skipped"]);
}

it("sends a webhook's own headers, and masks their values in history", async () => {
  const headers = { "X-Api-Token": "t0ps3cret-value", "X-Région": "eu" };
  const order = { url: `${receiver.url}/headers`, events: ["headers.*"] };
  const refused = await tenant.api("POST", `${root()}/webhooks`, { ...order, headers });
  expect((refused.body as Problem).errors[0]?.path).toContain("/headers/");
  const webhook = await tenant.subscribe({ ...order, headers: { "X-Api-Token": "t0ps3cret-value", "X-Region": "eu" } });
  await publish({ type: "headers.sent", data: {} });
  const [request] = await exactly("/headers", 1);
  expect(request?.rawHeaders.join("\n")).toContain("X-Api-Token\nt0ps3cret-value");
  expect(request?.header("x-region")).toBe("eu");
  const { attempts } = await onlyDelivery(webhook.id);
  expect(attempts[0]?.request.headers).toMatchObject({ "x-api-token": "***", "x-region": "***" });
});

it("lets only what a filter accepts through, and refuses a filter that is none", async () => {
  const order = { url: `${receiver.url}/filter`, events: ["order.*"] };
  const filter = 'data.amount > 100 && type == "order.paid" && data.tags.exists(tag, tag == "big")';
  const refused = await tenant.api("POST", `${root()}/webhooks`, { ...order, filter: "data.amount >" });
  expect({ status: refused.status, path: (refused.body as Problem).errors[0]?.path }).toEqual({
    status: 422,
    path: "/filter",
  });
  const webhook = await tenant.subscribe({ ...order, filter });
  const data = { amount: 101, tags: ["big"] };
  for (const event of [
    { type: "order.paid", data: { ...data, amount: 100 } },
    { type: "order.made", data },
    { type: "order.paid", data: { amount: "101", tags: ["big"] } },
    { type: "order.paid", data: null },
    { type: "order.paid", data: { ...data, tags: [] } },
    { type: "order.paid", data },
  ]) {
    await tenant.publish(event);
  }
  const [request] = await exactly("/filter", 1);
  expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({ type: "order.paid", data });
  expect(await tenant.deliveriesOf(webhook.id)).toHaveLength(1);
});

it("takes only known types as soon as that is demanded, and only data that meet their schemas", async () => {
  const schema = { type: "object", required: ["amount"], properties: { amount: { type: "integer", minimum: 1 } } };
  expectAnswer(await tenant.api("POST", `${root()}/event-types`, { name: "bill.paid", schema }), 201);
  expect((await publish({ type: "bill.unknown", data: {} })).status).toBe(202);
  for (let round = 0; round < 10; round += 1) {
    expectAnswer(await tenant.api("PATCH", root(), { strict_event_types: true }), 200);
    const unknown = await publish({ type: "bill.unknown", data: {} });
    expect({ status: unknown.status, path: unknown.body.errors[0]?.path }).toEqual({ status: 422, path: "/type" });
    const type = { name: `bill.round${round}` };
    const { id } = expectAnswer<{ id: string }>(await tenant.api("POST", `${root()}/event-types`, type), 201);
    expect((await publish({ type: type.name, data: {} })).status).toBe(202);
    expect((await tenant.api("DELETE", `${root()}/event-types/${id}`)).status).toBe(204);
    expect((await publish({ type: type.name, data: {} })).status).toBe(422);
    expectAnswer(await tenant.api("PATCH", root(), { strict_event_types: false }), 200);
    expect((await publish({ type: "bill.unknown", data: {} })).status).toBe(202);
  }
  expect((await publish({ type: "bill.paid", data: { amount: 1 } })).status).toBe(202);
  for (const [data, path] of [
    [{ amount: 0 }, "/data/amount"],
    [{}, "/data/amount"],
    [null, "/data"],
  ] as const) {
    const misfit = await publish({ type: "bill.paid", data });
    expect({ status: misfit.status, path: misfit.body.errors[0]?.path }).toEqual({ status: 422, path });
  }
});

it("explains who gets an event, who not and why, as it then happens", async () => {
  const other = await createTenant(stack, "explained");
  const url = (name: string) => `${receiver.url}/explained/${name}`;
  const expected: Record<string, string | null> = {};
  const subscribe = async (name: string, changes: object, reason: string | null) => {
    const { id } = await other.subscribe({ url: url(name), events: ["run.*"], ...changes });
    expected[id] = reason;
  };
  await subscribe("wanted", {}, null);
  await subscribe("filtered", { filter: "data.level > 3" }, "filter");
  await subscribe("unasked", { filter: "data.missing > 3" }, "filter_error");
  await subscribe("elsewhere", { events: ["build.*"] }, "no_pattern");
  await subscribe("paused", { is_active: false }, "webhook_inactive");

  const event = { type: "run.done", data: { level: 3 } };
  const reasonsIn = (answer: Awaited<ReturnType<Tenant["api"]>>) =>
    Object.fromEntries(
      expectAnswer<{ items: Explanation[] }>(answer, 200).items.map(({ webhook_id, would_deliver, reason }) => {
        expect(would_deliver).toBe(reason === null);
        return [webhook_id, reason];
      }),
    );
  expect(reasonsIn(await other.api("POST", `/v1/orgs/${other.orgId}/webhooks/explain`, event))).toEqual(expected);
  const id = await other.publish(event);
  await exactly("/explained/wanted", 1);
  expect(reasonsIn(await other.api("GET", `/v1/orgs/${other.orgId}/events/${id}/explain`))).toEqual(expected);
  const { deliveries } = expectAnswer<{ deliveries: Delivery[] }>(
    await other.api("GET", `/v1/orgs/${other.orgId}/events/${id}`),
    200,
  );
  const reached = Object.entries(expected).filter(([, reason]) => reason === null || reason === "webhook_inactive");
  expect(deliveries.map(({ webhook_id, reason }) => [webhook_id, reason]).sort()).toEqual(reached.sort());
  expect(receiver.requests.filter(({ path }) => path.startsWith("/explained/"))).toHaveLength(1);
});

it("tells who changed what, without telling what it was changed to", async () => {
  const admin = expectAnswer<{ id: string; key: string }>(
    await tenant.api("POST", `${root()}/api-keys`, { name: "the auditor's", scope: "ci" }),
    201,
  );
  const api = restClient(stack.stack.apiUrl, admin.key);
  const order = { url: "http://127.0.0.1:9/hook", events: ["audited"], secret: "a-secret-of-the-audit" };
  const webhook = expectAnswer<{ id: string }>(await api("POST", `${root()}/webhooks`, order), 201);
  const path = `${root()}/webhooks/${webhook.id}`;
  expectAnswer(await api("PATCH", path, { timeout_ms: 2_345, description: "told to nobody" }), 200);
  expectAnswer(await api("POST", `${path}/rotate-secret`, {}), 200);
  const since = new Date(Date.now() - 1_000).toISOString();
  expectAnswer(await api("POST", `${path}/replay`, { since }), 202);
  expect((await stack.api("DELETE", path)).status).toBe(204);

  const entries = await waitUntil(
    async () => {
      const answer = await tenant.api("GET", `${root()}/audit?limit=500`);
      const { items } = expectAnswer<{ items: AuditEntry[] }>(answer, 200);
      const own = items.filter(({ actor, subject_id }) => actor === admin.id || subject_id === webhook.id);
      return own.length >= 5 ? own : undefined;
    },
    { timeoutMs: 10_000, describe: "five lines of the audit" },
  );
  expect(entries.toReversed().map(({ actor, action }) => [actor, action])).toEqual([
    [admin.id, "createWebhook"],
    [admin.id, "updateWebhook"],
    [admin.id, "rotateSecret"],
    [admin.id, "startReplay"],
    ["root", "deleteWebhook"],
  ]);
  expect(entries.find(({ action }) => action === "updateWebhook")?.fields.toSorted()).toEqual([
    "description",
    "timeout_ms",
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/2345|told to nobody|a-secret-of-the-audit/);
});

it("refuses events in Posthorn's own name", async () => {
  for (const type of ["posthorn.webhook.disabled", "posthorn.x"]) {
    const { status, body } = await publish({ type, data: {} });
    expect({ type, status, path: body.errors[0]?.path }).toEqual({ type, status: 422, path: "/type" });
  }
  expect((await publish({ type: "posthorn-s.own", data: {} })).status).toBe(202);
});

it("counts the deliveries that led to an event, and ends a loop", async () => {
  const webhook = await tenant.subscribe({ url: `${receiver.url}/loop`, events: ["loop.*"] });
  expect((await publish({ type: "loop.begins", data: {} })).status).toBe(202);
  let hops = 0;
  for (let round = 1; round <= 5; round += 1) {
    const requests = await waitUntil(() => (arrivedAt("/loop").length >= round ? arrivedAt("/loop") : undefined), {
      timeoutMs: 15_000,
      describe: `round ${round} of a loop`,
    });
    const header = requests.at(-1)?.header("posthorn-hops") ?? "";
    expect(Number(header)).toBe(hops + 1);
    hops = Number(header);
    expect((await publish({ type: "loop.again", data: { round } }, { "posthorn-hops": header })).status).toBe(202);
  }
  await exactly("/loop", 5);
  const skipped = await waitUntil(
    async () => (await tenant.deliveriesOf(webhook.id)).find(({ status }) => status === "skipped"),
    { timeoutMs: 15_000, describe: "the last event of the loop to be skipped" },
  );
  expect(skipped).toMatchObject({ reason: "loop", attempt_count: 0 });
});
