/** MUTX's routes, called as its documentation, its command line and its SDK call them. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  createTenant,
  ROOT_KEY,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "../../api.fixture.ts";
import { deliveryRow, storeEvent } from "../../history.fixture.ts";
import { getWebhookRoute } from "../../schemas/webhook.ts";
import { mutxCreate, mutxDeliveries, mutxList } from "./routes.ts";

const UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057";
const PYTHON_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend, { POSTHORN_API_RATE_LIMIT: "2000" });
  tenant = await createTenant(api.call);
  stranger = await createTenant(api.call);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

type Answer = { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> };

async function call(method: string, path: string, body?: unknown, key = tenant.keys.ci): Promise<Answer> {
  const response = await fetch(`${api.url}/compat/mutx${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
}

async function created(
  changes: Readonly<Record<string, unknown>> = {},
): Promise<z.output<typeof mutxCreate.success.body>> {
  const answer = await call("POST", "/v1/webhooks/", {
    url: "http://127.0.0.1:9/hook",
    events: ["agent.*"],
    ...changes,
  });
  expect(answer.status).toBe(201);
  return mutxCreate.success.body.parse(answer.body);
}

describe("the quick start", () => {
  it("creates a webhook for agent.* and deployment.*, with every field and no secret shown", async () => {
    const body = { url: "http://127.0.0.1:9/webhooks/mutx", events: ["agent.*", "deployment.*"], secret: "s" };
    const answer = await call("POST", "/v1/webhooks/", body);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user_id: tenant.org,
      name: null,
      url: body.url,
      events: body.events,
      secret: null,
      has_secret: true,
      is_active: true,
      circuit_open: false,
      consecutive_failures: 0,
      created_at: expect.stringMatching(PYTHON_TIME),
      total_deliveries: null,
      successful_deliveries: null,
      failed_deliveries: null,
    });
  });

  it("has defaults: all events, active, no secret, which leaves the legacy signature out", async () => {
    const answer = await call("POST", "/v1/webhooks", { url: "http://127.0.0.1:9/", unheard_of: 1 });
    expect(answer.body).toMatchObject({ events: ["*"], is_active: true, has_secret: false });
    const path = { org: tenant.org, webhook: String(answer.body.id) };
    const native = await api.call(getWebhookRoute, { path });
    expect(native.body).toMatchObject({ profile: "mutx", has_secret: false });
  });

  it.each(["/v1/webhooks", "/v1/webhooks/"])("lists newest first at %s, by offset", async (path) => {
    const [older, newer] = [await created({ name: "older" }), await created({ name: "newer" })];
    const first = mutxList.success.body.parse((await call("GET", `${path}?limit=1`)).body);
    expect(first).toMatchObject({ items: [{ id: newer.id, name: "newer" }], skip: 0, limit: 1, has_more: true });
    const second = mutxList.success.body.parse((await call("GET", `${path}?limit=1&skip=1`)).body);
    expect(second).toMatchObject({ items: [{ id: older.id, name: "older" }], total: first.total });
    const all = mutxList.success.body.parse((await call("GET", `${path}?limit=200`)).body);
    expect(all).toMatchObject({ has_more: false, total: all.items.length });
  });

  it("creates one webhook for a repeated Idempotency-Key", async () => {
    const create = async () => {
      const response = await fetch(`${api.url}/compat/mutx/v1/webhooks/`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${tenant.keys.ci}`,
          "content-type": "application/json",
          "idempotency-key": "the same",
        },
        body: JSON.stringify({ url: "http://127.0.0.1:9/" }),
      });
      return (await response.json()) as { id: string };
    };
    expect((await create()).id).toBe((await create()).id);
  });

  it("gets, changes and deletes; null is unchanged", async () => {
    const webhook = await created({ name: "mine" });
    const path = `/v1/webhooks/${webhook.id}`;
    expect(await call("GET", path)).toMatchObject({ status: 200, body: { id: webhook.id } });
    const change = { is_active: false, url: null, events: ["deployment.failed"], reset_circuit: true };
    const changed = await call("PATCH", path, change);
    expect(changed).toMatchObject({
      status: 200,
      body: { is_active: false, url: webhook.url, events: ["deployment.failed"], name: "mine", has_secret: false },
    });
    expect(await call("GET", `${path}/`)).toMatchObject({ body: { is_active: false } });
    expect((await call("DELETE", path)).status).toBe(204);
    expect(await call("GET", path)).toMatchObject({ status: 404, body: { detail: "Webhook not found" } });
  });

  it("masks the query of a URL in the list and for keys that cannot change it; the mask sent back changes nothing", async () => {
    const url = "http://127.0.0.1:9/hook?token=canary";
    const masked = "http://127.0.0.1:9/hook?token=***";
    const { id } = await created({ url });
    const { items } = mutxList.success.body.parse((await call("GET", "/v1/webhooks/")).body);
    expect(items[0]).toMatchObject({ id, url: masked });
    const urlFor = async (key: string) => (await call("GET", `/v1/webhooks/${id}`, undefined, key)).body.url;
    expect(await urlFor(tenant.keys.runtime)).toBe(masked);
    expect((await call("PATCH", `/v1/webhooks/${id}`, { url: masked, name: "Renamed" })).body).toMatchObject({ url });
    expect(await urlFor(tenant.keys.ci)).toBe(url);
  });

  it("tells how to verify a signature", async () => {
    expect(await call("GET", "/v1/webhooks/verify-docs")).toMatchObject({
      status: 200,
      body: { algorithm: "HMAC-SHA256", header: "X-Webhook-Signature", format: "sha256=<hex digest>" },
    });
  });
});

describe("deliveries", () => {
  it("are listed under both names, newest first, filtered by event and success, with payload and time", async () => {
    const webhook = await created();
    const stored = await storeEvent(backend, tenant.org);
    const ended = { completed_at: new Date(), last_started_at: new Date(), last_dispatcher: "dispatcher-1" };
    const failed = {
      ...ended,
      status: "exhausted",
      reason: "attempts_exhausted",
      attempt_count: 3,
      last_status_code: 500,
      last_error_class: "status",
      error_message: "receiver answered 500",
    };
    const rows = [
      {
        ...deliveryRow(stored, webhook.id, { profile: "mutx" }),
        ...ended,
        status: "delivered",
        attempt_count: 1,
        last_status_code: 200,
      },
      { ...deliveryRow(stored, webhook.id), ...failed, id: UNKNOWN },
    ];
    await backend.database.db.insertInto("deliveries").values(rows).execute();
    const path = `/v1/webhooks/${webhook.id}/deliveries`;
    const all = mutxDeliveries.success.body.parse((await call("GET", path)).body);
    expect(all).toMatchObject({ webhook_id: webhook.id, total: 2, has_more: false, event: null, success: null });
    expect(all.deliveries).toEqual(all.items);
    const bad = mutxDeliveries.success.body.parse(
      (await call("GET", `${path}?event=${stored.event.type}&success=false&limit=5`)).body,
    );
    expect(bad).toMatchObject({ total: 1, event: stored.event.type, success: false, limit: 5 });
    expect(bad.items).toEqual([
      {
        id: UNKNOWN,
        webhook_id: webhook.id,
        event: stored.event.type,
        payload: Buffer.from(stored.event.data).toString(),
        status_code: 500,
        response_body: null,
        success: false,
        error_message: "receiver answered 500",
        attempts: 3,
        duration_ms: null,
        parent_delivery_id: null,
        created_at: expect.stringMatching(PYTHON_TIME),
        delivered_at: null,
      },
    ]);
    const none = await call("GET", `${path}?event=agent.error`);
    expect(none.body).toMatchObject({ items: [], deliveries: [], total: 0 });
  });
});

describe("refusals", () => {
  it.each([
    [
      "an event that is not known",
      { events: ["agent.unheard_of"] },
      "Invalid event: agent.unheard_of. Supported events: [",
    ],
    ["a wildcard of nothing", { events: ["invoice.*"] }, "Invalid event: invoice.*"],
    ["a URL of another scheme", { url: "ftp://example.com" }, "URL must start with http:// or https://"],
    [
      "a private address",
      { url: "http://10.0.0.1/" },
      "Webhook destination '10.0.0.1' resolves to a non-public address",
    ],
    [
      "an internal name",
      { url: "http://metadata/" },
      "Webhook destination 'metadata' resolves to a non-public address",
    ],
  ])("%s is a 400 with a detail", async (_, changes, detail) => {
    const answer = await call("POST", "/v1/webhooks/", { url: "http://127.0.0.1:9/", ...changes });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain(detail);
  });

  it("knows the events of its documentation, and wildcards at any depth", async () => {
    await created({ events: ["agent.heartbeat", "deployment.rolled_back", "metrics.report", "governance.decision.*"] });
  });

  it.each([
    ["a secret that is too long", { secret: "x".repeat(65) }, ["body", "secret"]],
    ["a URL that is too long", { url: `http://127.0.0.1/${"x".repeat(512)}` }, ["body", "url"]],
    ["a type that is wrong", { events: ["*", 1] }, ["body", "events", 1]],
  ])("%s is a 422 in MUTX's envelope", async (_, changes, loc) => {
    const answer = await call("POST", "/v1/webhooks/", { url: "http://127.0.0.1:9/", ...changes });
    expect(answer).toMatchObject({
      status: 422,
      body: {
        status: "error",
        error_code: "VALIDATION_ERROR",
        message: expect.any(String),
        details: [{ loc, msg: expect.any(String), type: "value_error" }],
        request_id: answer.headers.get("x-request-id"),
        timestamp: expect.stringMatching(PYTHON_TIME),
      },
    });
    expect(await call("GET", "/v1/webhooks/?limit=201")).toMatchObject({
      status: 422,
      body: { details: [{ loc: ["query", "limit"] }] },
    });
  });

  it("without a key, with a key that may not, and with the root key, which is nobody's", async () => {
    const body = { url: "http://127.0.0.1:9/" };
    expect(await call("POST", "/v1/webhooks/", body, "unheard-of")).toMatchObject({ status: 401 });
    const runtime = await call("POST", "/v1/webhooks/", body, tenant.keys.runtime);
    expect(runtime).toMatchObject({ status: 403, body: { detail: expect.stringContaining("scope") } });
    expect(await call("GET", "/v1/webhooks/", undefined, ROOT_KEY)).toMatchObject({ status: 403 });
    expect((await call("GET", "/v1/webhooks/", undefined, tenant.keys.runtime)).status).toBe(200);
  });

  it("a foreign key finds nothing, on every route", async () => {
    const { id } = await created();
    const { ci } = stranger.keys;
    const calls = [
      ["GET", `/v1/webhooks/${id}`],
      ["PATCH", `/v1/webhooks/${id}`, { is_active: false }],
      ["DELETE", `/v1/webhooks/${id}`],
      ["POST", `/v1/webhooks/${id}/test`],
      ["GET", `/v1/webhooks/${id}/deliveries`],
      ["POST", "/v1/webhooks/retry", { delivery_id: UNKNOWN }],
    ] as const;
    for (const [method, path, body] of calls) expect((await call(method, path, body, ci)).status).toBe(404);
    expect((await call("GET", "/v1/webhooks/", undefined, ci)).body).toMatchObject({ items: [], total: 0 });
  });

  it("shows webhooks of its own kind only", async () => {
    const native = await fetch(`${api.url}/v1/orgs/${tenant.org}/webhooks`, {
      method: "POST",
      headers: { authorization: `Bearer ${tenant.keys.ci}`, "content-type": "application/json" },
      body: JSON.stringify({ url: "http://127.0.0.1:9/", events: ["*"] }),
    });
    const { id } = (await native.json()) as { id: string };
    expect((await call("GET", `/v1/webhooks/${id}`)).status).toBe(404);
  });
});

it("limits rates in MUTX's envelope, with the time to come back", async () => {
  await using slow = await startTestApi(backend, { POSTHORN_API_RATE_LIMIT: "1" });
  const get = () => fetch(`${slow.url}/compat/mutx/v1/webhooks/`, { headers: { "x-api-key": tenant.keys.admin } });
  expect((await get()).status).toBe(200);
  const limited = await get();
  expect(limited.status).toBe(429);
  const body = (await limited.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ status: "error", error_code: "RATE_LIMIT_EXCEEDED" });
  expect(String(body.retry_after)).toBe(limited.headers.get("retry-after"));
});
