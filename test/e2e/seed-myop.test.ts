/** Myop has no REST API for webhooks: what its documents promise its users is proved on the native one. */

import { findFreePort } from "@posthorn/local-servers";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { restClient } from "../../deploy/local/rest-client.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";
import { verifiesBody } from "./receivers/seed-signatures.ts";

/** Within which a revoked key stops working. */
const REVOCATION_MS_MAX = 1_000;
const ARRIVAL_MS_MAX = 10_000;

/** As Myop's documents print it. */
const RELEASES = [
  {
    componentId: "2098cfba-5124-48ff-b87d-6cd71c14cf7a",
    variantId: "57a5c9ef-8775-4a19-a243-4cadb87a3e6f",
    environment: "production",
    environmentId: "d6c518e0-f80b-4cbe-9efd-b51aa37f2324",
  },
];
const TIMESTAMP = "2026-03-24T13:37:00.000Z";
const DEPLOYED = { type: "components.deployed", timestamp: TIMESTAMP, data: { releases: RELEASES } };

/** What Myop's settings show of a webhook. */
type Status = {
  readonly health: {
    readonly state: string;
    readonly last_attempt_at: string;
    readonly last_status_code: number | null;
    readonly last_error_class: string | null;
  };
};

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
let webhooks: string;

beforeAll(async () => {
  stack = await startTestStack({ env: { POSTHORN_API_KEY_PREFIX: "myop_sk_" } });
  tenant = await createTenant(stack, "myop");
  webhooks = `/v1/orgs/${tenant.orgId}/webhooks`;
});
afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(async () => {
  receiver = await startReceiver();
  return async () => {
    await receiver[Symbol.asyncDispose]();
    const listed = expectAnswer<{ items: { id: string }[] }>(await tenant.api("GET", webhooks), 200);
    for (const { id } of listed.items) expectAnswer(await tenant.api("DELETE", `${webhooks}/${id}`), 204);
  };
});

it("an API key looks as Myop's do, is shown once, works everywhere, and stops everywhere when it is revoked", async () => {
  const keys = `/v1/orgs/${tenant.orgId}/api-keys`;
  const created = await tenant.api("POST", keys, { name: "GitHub Actions Sync", scope: "admin" });
  const { id, key } = expectAnswer<{ id: string; key: string }>(created, 201);
  expect(key).toMatch(/^myop_sk_[0-9a-f]{64}$/);
  expect(JSON.stringify((await tenant.api("GET", keys)).body)).not.toContain(key);

  const api = restClient(stack.stack.apiUrl, key);
  const ingest = restClient(stack.stack.ingestUrl, key);
  const statuses = async () => [
    (await api("GET", webhooks)).status,
    (await ingest("POST", `/v1/orgs/${tenant.orgId}/events`, { type: "key.check", data: {} })).status,
  ];
  expect(await statuses()).toEqual([200, 202]);
  expectAnswer(await tenant.api("DELETE", `${keys}/${id}`), 204);
  await waitUntil(async () => (await statuses()).every((status) => status === 401), {
    timeoutMs: REVOCATION_MS_MAX,
    describe: "the revoked key to be refused by api and ingest",
  });
});

describe("the generic webhook", () => {
  it("carries the documented body and headers, and a signature that Myop's samples verify", async () => {
    const order = { url: receiver.url, events: ["components.deployed"], profile: "myop" };
    const { id, secret } = await tenant.subscribe(order);
    expect(secret).toMatch(/^whsec_/);
    expect((await tenant.api("GET", `${webhooks}/${id}`)).body).not.toHaveProperty("secret");
    await tenant.publish(DEPLOYED);
    const [request] = await receiver.waitFor(1, ARRIVAL_MS_MAX);
    expect(request?.body.toString()).toBe(
      JSON.stringify({
        event: "components.deployed",
        timestamp: TIMESTAMP,
        organizationId: tenant.orgId,
        data: { releases: RELEASES },
      }),
    );
    expect(request?.header("content-type")).toBe("application/json");
    expect(request?.header("x-myop-event")).toBe("components.deployed");
    if (request === undefined) throw new Error("the receiver has lost its request");
    expect(verifiesBody(request, "X-Myop-Signature", secret)).toBe(true);
    expect(verifiesBody(request, "X-Myop-Signature", secret.slice("whsec_".length))).toBe(false);
  });

  it("calls a GitLab trigger with its token as it was entered, and shows the token nowhere", async () => {
    const path = "/api/v4/projects/7/trigger/pipeline?token=glptt-canary%2Fx&ref=main";
    const { id } = await tenant.subscribe({ url: receiver.url + path, events: ["components.*"], profile: "myop" });
    await tenant.publish(DEPLOYED);
    const [request] = await receiver.waitFor(1, ARRIVAL_MS_MAX);
    expect(request?.path).toBe(path);
    const delivery = await tenant.settled(request?.header("webhook-id") ?? "", ["delivered"]);
    const shown = [(await tenant.api("GET", webhooks)).body, delivery, await tenant.deliveriesOf(id)];
    expect(JSON.stringify(shown)).not.toContain("canary");
  });

  it("is tested by Sync Now: one attempt at once, kept in history, without a say in the webhook's health", async () => {
    const order = { url: receiver.url, events: ["components.deployed"], profile: "myop" };
    const { id, secret } = await tenant.subscribe(order);
    receiver.answerWith([200, 500]);
    const syncNow = { type: "components.deployed", data: { releases: [], fullSync: true } };
    const synced = await tenant.api("POST", `${webhooks}/${id}/test`, syncNow);
    expect(expectAnswer(synced, 200)).toMatchObject({ status: "delivered", test: true, last_status_code: 200 });
    const [request] = await receiver.waitFor(1);
    if (request === undefined) throw new Error("the receiver has lost its request");
    expect(verifiesBody(request, "X-Myop-Signature", secret)).toBe(true);
    expect(JSON.parse(request.body.toString())).toMatchObject({ event: "components.deployed", data: syncNow.data });
    const failed = expectAnswer<{ id: string }>(await tenant.api("POST", `${webhooks}/${id}/test`, syncNow), 200);
    expect(failed).toMatchObject({ status: "exhausted", test: true, last_status_code: 500 });
    await tenant.settled(failed.id, ["exhausted"]);
    expect((await tenant.deliveriesOf(id)).map(({ status }) => status)).toEqual(["exhausted", "delivered"]);
    const { health } = expectAnswer<Status>(await tenant.api("GET", `${webhooks}/${id}`), 200);
    expect(health.state).toBe("unknown");
  });
});

it("GitHub gets a repository_dispatch event with the owner's token, and its 204 is a success", async () => {
  const path = "/repos/acme/shop/dispatches";
  const token = "ghp_canary0123456789";
  receiver.answerWith(({ path: asked, header }) =>
    asked === path && header("authorization") === `Bearer ${token}` ? 204 : 401,
  );
  const { id } = await tenant.subscribe({
    url: receiver.url + path,
    events: ["components.deployed"],
    profile: "github-dispatch",
    profile_options: { token, event_type_prefix: "myop-" },
  });
  await tenant.publish(DEPLOYED);
  const [request] = await receiver.waitFor(1, ARRIVAL_MS_MAX);
  expect(request?.header("accept")).toBe("application/vnd.github+json");
  expect(JSON.parse(request?.body.toString() ?? "")).toEqual({
    event_type: "myop-components-deployed",
    client_payload: { releases: RELEASES },
  });
  const delivery = await tenant.settled(request?.header("webhook-id") ?? "", ["delivered"]);
  expect(delivery.attempts).toMatchObject([{ status_code: 204, outcome: "succeeded" }]);
  const shown = [(await tenant.api("GET", `${webhooks}/${id}`)).body, delivery];
  expect(JSON.stringify(shown)).not.toContain("canary");
});

describe("the status of the last delivery", () => {
  /** As soon as there is one. */
  async function statusOf(id: string): Promise<Status["health"]> {
    return waitUntil(
      async () => {
        const { health } = expectAnswer<Status>(await tenant.api("GET", `${webhooks}/${id}`), 200);
        return health.state === "unknown" ? undefined : health;
      },
      { timeoutMs: ARRIVAL_MS_MAX, describe: `the health of ${id}` },
    );
  }

  it("is green with the code and its age", async () => {
    receiver.answerWith([204]);
    const startedAtMs = Date.now();
    const order = { url: receiver.url, events: ["components.deployed"], profile: "myop" };
    const { id } = await tenant.subscribe(order);
    await tenant.publish(DEPLOYED);
    const health = await statusOf(id);
    expect(health).toMatchObject({ state: "healthy", last_status_code: 204, last_error_class: null });
    expect(Date.parse(health.last_attempt_at)).toBeGreaterThanOrEqual(startedAtMs);
    expect(Date.parse(health.last_attempt_at)).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ["a status other than 2xx", "respond", { last_status_code: 500, last_error_class: "status" }, /\b500\b/],
    ["a time-out", "hang", { last_status_code: null, last_error_class: "timeout" }, /^timed out after \d+ ms/],
    [
      "a connection that is refused",
      "absent",
      { last_status_code: null, last_error_class: "connect" },
      /^the connection was refused$/,
    ],
  ] as const)("is red after %s, says why, and nothing is repeated", async (_why, kind, health, message) => {
    const url = kind === "absent" ? `http://127.0.0.1:${await findFreePort()}` : receiver.url;
    receiver.answerWith([kind === "respond" ? 500 : { kind: "hang" }]);
    const order = { url, events: ["components.deployed"], profile: "myop", timeout_ms: 1_000 };
    const { id } = await tenant.subscribe(order);
    await tenant.publish(DEPLOYED);
    expect(await statusOf(id)).toMatchObject({ state: "failing", ...health });
    const [delivery] = await tenant.deliveriesOf(id);
    expect(delivery).toMatchObject({
      ...{ status: "exhausted", reason: "attempts_exhausted", attempt_count: 1, success: false },
      ...{ ...health, error_message: expect.stringMatching(message) },
    });
  });

  it("leaves Myop's ten seconds to a webhook that says nothing of it", async () => {
    const order = { url: receiver.url, events: ["components.deployed"], profile: "myop" };
    const { id } = await tenant.subscribe(order);
    const webhook = (await tenant.api("GET", `${webhooks}/${id}`)).body;
    expect(webhook).toMatchObject({ timeout_ms: 10_000, retry_schedule_s: null });
  });
});
