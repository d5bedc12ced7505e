/** What nobody should send to a mount: bodies and queries made at random of its fields. None may be our mistake. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "../api.fixture.ts";
import type { Route } from "../schemas/route.ts";
import { type MountCall, mountClientOf } from "./mount-client.fixture.ts";
import { MUTX_ROUTES, mutxCreate } from "./mutx/routes.ts";
import { NEXTMV_ROUTES, nextmvCreate } from "./nextmv/routes.ts";
import { ZNYX_ROUTES, znyxCreate } from "./znyx/routes.ts";

const REQUESTS_PER_ROUTE = 30;
/** Each waits a second for a dispatcher. */
const TESTS_PER_ROUTE = 5;
const SEED = 20_260_324;
const HOOK = "http://127.0.0.1:9/hook";

let backend: TestBackend;
let api: TestApi;
let call: MountCall;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  call = mountClientOf(api.url);
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const text = fc.oneof(
  fc.constantFrom("", "\u0000", "a\u0000b", "\ud800", "\u202e", "*", "run.status", "agent.*", HOOK, "x".repeat(3_000)),
  fc.string({ unit: "binary" }),
);
const value = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.jsonValue(), fc.constantFrom(1e308, -1, 2 ** 53));

/** Every field that any mount has, and some that none has. */
const FIELDS = [
  ...["url", "events", "generate_secret", "is_active", "name", "secret", "reset_circuit", "delivery_id"],
  ...["id", "event_types", "endpoint_url", "description", "data", "__proto__", "constructor"],
];
const body = fc.oneof(
  fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 6 }).map((fields) => JSON.stringify(fields)),
  fc.jsonValue().map((json) => JSON.stringify(json)),
  fc.constantFrom("{", '{"url":1,"url":2}', "nul", "[".repeat(2_000), '"\\ud800"'),
);
const query = fc.dictionary(fc.constantFrom("skip", "limit", "event", "success", "cursor"), text, { maxKeys: 3 });

const EVERY_ROUTE = [...ZNYX_ROUTES, ...NEXTMV_ROUTES, ...MUTX_ROUTES].map((route) => ({
  name: route.operation,
  route,
}));

/** By mount: the path to a webhook of it. */
async function existing(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { org, keys } = tenant;
  const post = async (route: Route, given: object) =>
    JSON.parse((await call(route, { path: { org }, key: keys.admin, body: given })).text) as { id: string };
  const znyx = await post(znyxCreate, { url: HOOK, events: ["bundle.published"] });
  await post(nextmvCreate, { id: "here", event_types: ["run.status"], endpoint_url: HOOK });
  const mutx = await post(mutxCreate, { url: HOOK });
  const attempt = `${mutx.id}-1`;
  return { znyx: { org, webhook: znyx.id }, nextmv: { externalId: "here", attempt }, mutx: { webhook: mutx.id } };
}

let paths: Awaited<ReturnType<typeof existing>>;
beforeAll(async () => {
  paths = await existing();
});

it.each(EVERY_ROUTE)("$name answers in words, and never as if it had failed itself", async ({ route }) => {
  const path = paths[/^\/compat\/(\w+)/.exec(route.path)?.[1] ?? ""] ?? {};
  // Nobody dispatches here, so that what gets as far as a test ends there.
  const isTest = /\/(test|trigger)$/.test(route.path);
  const property = fc.asyncProperty(body, query, async (bytes, asked) => {
    const given = route.method === "GET" ? { query: asked } : { bytes };
    const answer = await call(route, { path, key: tenant.keys.admin, ...given });
    if (answer.status === 503 && isTest) return;
    expect(answer.status, answer.text).toBeLessThan(500);
    if (answer.status >= 400) expect(Object.keys(JSON.parse(answer.text))).toContain(wordFor(route, answer.status));
    else answer.body();
  });
  await fc.assert(property, { numRuns: isTest ? TESTS_PER_ROUTE : REQUESTS_PER_ROUTE, seed: SEED });
});

/** Where a mount says what is wrong. */
function wordFor({ path }: Route, status: number): string {
  if (path.startsWith("/compat/nextmv")) return "error";
  return path.startsWith("/compat/mutx") && status === 422 ? "details" : "detail";
}
