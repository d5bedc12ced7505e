/** Rate limits of API keys, and that there are none unless they are configured. */

import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { createWebhookRoute, listWebhooksRoute } from "./schemas/webhook.ts";

const LIMIT = 10;

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  await using unlimited = await startTestApi(backend);
  tenant = await createTenant(unlimited.call);
  api = await startTestApi(backend, { POSTHORN_API_RATE_LIMIT: String(LIMIT) });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

it("a key may make so many requests per minute, is told what is left, and then when to come back", async () => {
  const { org, keys } = tenant;
  const list = () => api.call(listWebhooksRoute, { path: { org }, key: keys.runtime });
  for (let used = 1; used <= LIMIT; used += 1) {
    const { status, headers } = await list();
    expect(status).toBe(200);
    expect(headers.get("ratelimit-policy")).toBe(`"default";q=${LIMIT};w=60`);
    expect(headers.get("ratelimit")).toMatch(new RegExp(`^"default";r=${LIMIT - used};t=([1-9]|[1-5]\\d|60)$`));
  }
  const { problem, headers } = await list();
  const waitS = headers.get("retry-after");
  expect(waitS).toMatch(/^([1-9]|[1-5]\d|60)$/);
  expect(problem).toMatchObject({
    status: 429,
    type: "rate-limited",
    detail: `This API key may make ${LIMIT} requests per minute. Try again in ${waitS} s.`,
  });
  expect(headers.get("ratelimit")).toBe(`"default";r=0;t=${waitS}`);

  // Other keys of the same organisation have their own, and refusals of every kind count and are told.
  const unread = await api.call(createWebhookRoute, { path: { org }, key: keys.ci, body: {} });
  expect([unread.status, unread.headers.get("ratelimit")]).toEqual([422, `"default";r=${LIMIT - 1};t=60`]);
  const foreign = await api.call(listWebhooksRoute, { path: { org: "x" }, key: keys.ci });
  expect(foreign.headers.get("ratelimit")).toMatch(`"default";r=${LIMIT - 2};`);
  const root = await api.call(listWebhooksRoute, { path: { org } });
  expect([root.status, root.headers.get("ratelimit")]).toEqual([200, `"default";r=${LIMIT - 1};t=60`]);
});

it("who has no key is not counted", async () => {
  const { status, headers } = await api.call(listWebhooksRoute, { path: { org: tenant.org }, key: "nobody" });
  expect([status, headers.get("ratelimit")]).toEqual([401, null]);
});

it("there is no limit unless one is configured", async () => {
  await using unlimited = await startTestApi(backend);
  for (let used = 0; used <= LIMIT; used += 1) {
    const { status, headers } = await unlimited.call(listWebhooksRoute, { path: { org: tenant.org } });
    expect([status, headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([200, null, null]);
  }
});
