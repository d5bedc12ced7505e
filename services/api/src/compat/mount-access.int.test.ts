/** Who may do what on the mounts: authentication, scopes and the walls between organisations, on every route. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createTenant,
  ROOT_KEY,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "../api.fixture.ts";
import { WEBHOOK } from "../every-route.fixture.ts";
import type { Route } from "../schemas/route.ts";
import { createWebhookRoute, getWebhookRoute } from "../schemas/webhook.ts";
import { type MountCall, mountClientOf } from "./mount-client.fixture.ts";
import { NEXTMV_ROUTES, nextmvCreate } from "./nextmv/routes.ts";
import { ZNYX_ROUTES, znyxCreate } from "./znyx/routes.ts";

const UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057";
const HOOK = "http://127.0.0.1:9/hook";

/** By operation. */
const BODIES: Readonly<Record<string, unknown>> = {
  znyxCreateWebhook: { url: HOOK, events: ["bundle.published"] },
  znyxUpdateWebhook: { is_active: true },
  nextmvCreateWebhook: { id: "another", event_types: ["run.status"], endpoint_url: HOOK },
  nextmvReplaceWebhook: { event_types: ["run.status"], endpoint_url: HOOK },
};

const EVERY_ROUTE = [...ZNYX_ROUTES, ...NEXTMV_ROUTES].map((route) => ({
  name: route.operation,
  route,
  body: BODIES[route.operation],
}));
const OF_ONE_WEBHOOK = EVERY_ROUTE.filter(({ route }) => /:(webhook|externalId)/.test(route.path));

/** What each mount says of the same refusal. */
const wordsOf = (route: Route, words: string | RegExp) => ({
  [route.path.startsWith("/compat/nextmv") ? "error" : "detail"]: expect.stringMatching(words),
});

let backend: TestBackend;
let api: TestApi;
let call: MountCall;
let tenant: Tenant;
let stranger: Tenant;
/** Things that exist in the tenant's organisation. */
let path: Readonly<Record<string, string>>;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  call = mountClientOf(api.url);
  tenant = await createTenant(api.call);
  stranger = await createTenant(api.call);
  const { org, keys } = tenant;
  const znyx = await call(znyxCreate, { path: { org }, key: keys.ci, body: BODIES.znyxCreateWebhook });
  const ofNextmv = { id: "hers", event_types: ["run.status"], endpoint_url: HOOK };
  const nextmv = await call(nextmvCreate, { key: keys.ci, body: ofNextmv });
  path = { org, webhook: znyx.body().id, externalId: nextmv.body().id, attempt: `${UNKNOWN}-1` };
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

describe.each(EVERY_ROUTE)("$name", ({ route, body }) => {
  it("answers 401 without a key or with an unknown one, before it reads the body", async () => {
    for (const key of [null, `ph_sk_${"0".repeat(64)}`]) {
      const answer = await call(route, { path, key, ...(body === undefined ? {} : { bytes: "{" }) });
      expect([answer.status, answer.refusal()]).toEqual([401, wordsOf(route, "API key")]);
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="posthorn"');
    }
  });

  it("is for a runtime key only if it reads, and no secret", async () => {
    const isOpen = route.method === "GET" && !route.path.endsWith("/secret");
    const answer = await call(route, { path, key: tenant.keys.runtime, body });
    if (isOpen) expect(answer.status).toBe(route.path.endsWith(":attempt") ? 404 : 200);
    else expect([answer.status, answer.refusal()]).toEqual([403, wordsOf(route, "admin or ci")]);
  });

  it("is not for the root key where the path names no organisation", async () => {
    const answer = await call(route, { path: { ...path, webhook: UNKNOWN }, key: ROOT_KEY, body });
    if (!route.path.includes(":org"))
      expect([answer.status, answer.refusal()]).toEqual([403, wordsOf(route, "root key")]);
    else expect(answer.status).not.toBe(403);
  });
});

describe.each(EVERY_ROUTE.filter(({ route }) => route.path.includes(":org")))("$name", ({ route, body }) => {
  it("answers 404 to the keys of another organisation", async () => {
    for (const key of Object.values(stranger.keys)) {
      const answer = await call(route, { path, key, body });
      expect([answer.status, answer.refusal()]).toEqual([404, wordsOf(route, "There is no such organisation")]);
    }
  });
});

describe.each(OF_ONE_WEBHOOK)("$name", ({ route, body }) => {
  it("answers 404 for what belongs to another organisation, or to none", async () => {
    const { org, keys } = stranger;
    for (const id of [path.webhook, path.externalId, UNKNOWN, "nonsense", "\u0000é"]) {
      const theirs = { ...path, org, webhook: id ?? "", externalId: id ?? "" };
      const answer = await call(route, { path: theirs, key: keys.admin, body });
      expect([answer.status, answer.refusal()]).toEqual([404, wordsOf(route, /no such|not found/)]);
    }
  });

  it("answers 404 for a webhook of another profile", async () => {
    const { id } = (await api.call(createWebhookRoute, { path, body: WEBHOOK })).body;
    const answer = await call(route, { path: { ...path, webhook: id, externalId: id }, key: tenant.keys.admin, body });
    expect([answer.status, answer.refusal()]).toEqual([404, wordsOf(route, /no such|not found/)]);
    expect((await api.call(getWebhookRoute, { path: { ...path, webhook: id } })).status).toBe(200);
  });
});
