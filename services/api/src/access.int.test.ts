/** Who may do what: authentication, scopes and the walls between organisations, on every route. */

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createTenant,
  ROOT_KEY,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { EVERY_ROUTE, WEBHOOK } from "./every-route.fixture.ts";
import { createThings } from "./existing-things.fixture.ts";
import { OPENAPI_PATH } from "./openapi/document.ts";
import { createApiKeyRoute, listApiKeysRoute, revokeApiKeyRoute } from "./schemas/api-key.ts";
import { createOrganisationRoute, listOrganisationsRoute } from "./schemas/organisation.ts";
import { createWebhookRoute, listWebhooksRoute } from "./schemas/webhook.ts";

/** An id that nobody gave out. */
const UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let stranger: Tenant;
/** Things that exist in the tenant's organisation. */
let path: Readonly<Record<string, string>>;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  tenant = await createTenant(api.call);
  stranger = await createTenant(api.call);
  path = await createThings(backend, api.call, tenant);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

describe("a key", () => {
  it("is taken from Authorization: Bearer or from X-API-Key", async () => {
    const key = tenant.keys.runtime;
    const basic = { authorization: "Basic YTpi", "x-api-key": key };
    for (const options of [
      { key },
      { key: null, headers: { "x-api-key": key } },
      { key: null, headers: { authorization: `bearer ${key}` } },
      { key: null, headers: basic },
    ]) {
      expect((await api.call(listWebhooksRoute, { path, ...options })).status).toBe(200);
    }
  });

  it("looks as documented, and as the setting says", async () => {
    expect(tenant.keys.admin).toMatch(/^ph_sk_[0-9a-f]{64}$/);
    await using branded = await startTestApi(backend, { POSTHORN_API_KEY_PREFIX: "myop_sk_" });
    const body = { name: "branded", scope: "ci" };
    const { key } = (await branded.call(createApiKeyRoute, { path, body })).body;
    expect(key).toMatch(/^myop_sk_[0-9a-f]{64}$/);
    expect((await api.call(listWebhooksRoute, { path, key })).status).toBe(200);
  });

  it("is stored as a hash only", async () => {
    const { rows } = await backend.database.pool.query("select api_keys::text as row from api_keys");
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toContain(tenant.keys.admin.slice(6));
  });

  it("is shown by no list", async () => {
    const { body, text } = await api.call(listApiKeysRoute, { path });
    expect(body.items.map((key) => key.scope)).toEqual(expect.arrayContaining(["admin", "ci", "runtime"]));
    expect(text).not.toMatch(/"key"|"hash"|[0-9a-f]{64}/);
  });

  it("stops at once when it is revoked, and stays in the list", async () => {
    const body = { name: "short-lived", scope: "admin" };
    const { id, key } = (await api.call(createApiKeyRoute, { path, body })).body;
    expect((await api.call(listWebhooksRoute, { path, key })).status).toBe(200);
    for (const _twice of [1, 2]) {
      expect((await api.call(revokeApiKeyRoute, { path: { ...path, key: id } })).status).toBe(204);
    }
    expect((await api.call(listWebhooksRoute, { path, key })).problem.detail).toBe(
      "The API key is unknown or revoked.",
    );
    const { items } = (await api.call(listApiKeysRoute, { path })).body;
    expect(items.find((item) => item.id === id)?.revoked_at).toMatch(/Z$/);
  });

  it("that was used says so when its use has been written", async () => {
    const { org } = stranger;
    await using second = await startTestApi(backend);
    await second.call(listWebhooksRoute, { path: { org }, key: stranger.keys.runtime });
    await second[Symbol.asyncDispose]();
    const { items } = (await api.call(listApiKeysRoute, { path: { org } })).body;
    const lastUsedAt = Object.fromEntries(items.map((item) => [item.scope, item.last_used_at]));
    expect(lastUsedAt).toMatchObject({ runtime: expect.stringMatching(/Z$/), ci: null });
  });
});

it("the description of the API needs no key, and is the one that is checked in", async () => {
  const response = await fetch(api.url + OPENAPI_PATH);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
  const checkedIn = await readFile(new URL("../openapi.json", import.meta.url), "utf8");
  expect((await response.text()) === checkedIn).toBe(true);
});

describe.each(EVERY_ROUTE)("$name", ({ route }) => {
  it.each([
    ["without a key", null, "Send an API key as Authorization: Bearer <key> or as X-API-Key: <key>."],
    ["with an unknown key", `ph_sk_${"0".repeat(64)}`, "The API key is unknown or revoked."],
    [
      "with an overlong key",
      "x".repeat(1_000),
      "Send an API key as Authorization: Bearer <key> or as X-API-Key: <key>.",
    ],
  ])("answers 401 %s, before it reads the body", async (_how, key, detail) => {
    const { status, problem, headers } = await api.call(route, { path, key, ...notJson(route.method) });
    expect(status).toBe(401);
    expect(problem.detail).toBe(detail);
    expect(headers.get("www-authenticate")).toBe('Bearer realm="posthorn"');
  });
});

describe.each(EVERY_ROUTE.filter(({ route }) => route.path.includes(":org")))("$name", ({ route, body }) => {
  it("answers 404 to the keys of another organisation, before it reads the body", async () => {
    for (const key of Object.values(stranger.keys)) {
      const { problem } = await api.call(route, { path, key, ...notJson(route.method) });
      expect(problem).toMatchObject({ status: 404, detail: "There is no such organisation." });
    }
  });

  it.each([UNKNOWN, "acme", "\u0000"])("answers 404 for the organisation %j", async (org) => {
    const { problem } = await api.call(route, { path: { ...path, org }, body });
    expect(problem).toMatchObject({ status: 404, detail: "There is no such organisation." });
  });
});

const OF_ONE_THING = EVERY_ROUTE.flatMap((entry) => {
  const things = [...entry.route.path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  return things.filter((thing) => thing !== "org").map((thing) => ({ ...entry, thing }));
});

describe.each(OF_ONE_THING)("$name", ({ route, body, thing }) => {
  it("answers 404 for what belongs to another organisation, or to none", async () => {
    const { org, keys } = stranger;
    const given = path[thing];
    if (given === undefined) throw new Error(`the walk has no ${thing} of the tenant's`);
    for (const id of [given, given.toUpperCase(), UNKNOWN, "nonsense", "\u0000é"]) {
      const { status } = await api.call(route, { path: { ...path, [thing]: id, org }, key: keys.admin, body });
      expect(status).toBe(404);
    }
  });
});

describe("scopes", () => {
  // What is not listed reads, and only a GET may go unlisted.
  const permitted: Readonly<Record<string, readonly string[]>> = {
    createOrganisation: [],
    createApiKey: ["admin"],
    listApiKeys: ["admin"],
    revokeApiKey: ["admin"],
    createWebhook: ["admin", "ci"],
    updateWebhook: ["admin", "ci"],
    deleteWebhook: ["admin", "ci"],
    updateOrganisation: ["admin", "ci"],
    rotateSecret: ["admin", "ci"],
    testWebhook: ["admin", "ci"],
    retryDelivery: ["admin", "ci"],
    retryDeliveries: ["admin", "ci"],
    startReplay: ["admin", "ci"],
    explainType: ["admin", "ci", "runtime"],
    deletePayload: ["admin", "ci"],
    createEventType: ["admin", "ci"],
    updateEventType: ["admin", "ci"],
    deleteEventType: ["admin", "ci"],
    listAudit: ["admin"],
  };
  // How what is permitted ends here: there is no dispatcher, and the delivery waits for its first attempt.
  const endings: Readonly<Record<string, readonly number[]>> = {
    testWebhook: [503],
    retryDelivery: [409],
    createEventType: [201, 409],
  };

  it.each(EVERY_ROUTE)("of $name", async ({ name, route, body }) => {
    // A deletion would leave nothing to the next key, so that it is tried on what is not there: 404 is permitted.
    const unknown = { webhook: UNKNOWN, key: UNKNOWN, event: UNKNOWN, eventType: UNKNOWN };
    const there = route.method === "DELETE" ? { ...path, ...unknown } : path;
    const expected = endings[name] ?? [route.method === "DELETE" ? 404 : route.success.status];
    const scopes = permitted[name];
    expect(scopes !== undefined || route.method === "GET").toBe(true);
    for (const scope of ["admin", "ci", "runtime"] as const) {
      const { status } = await api.call(route, { path: there, key: tenant.keys[scope], body });
      const isPermitted = scopes?.includes(scope) ?? true;
      expect(isPermitted ? expected : [403], scope).toContain(status);
    }
  });

  it("name the scopes that would do", async () => {
    const { keys } = tenant;
    const refusal = async (...args: Parameters<typeof api.call>) => (await api.call(...args)).problem.detail;
    expect(await refusal(createWebhookRoute, { path, key: keys.runtime, body: WEBHOOK })).toBe(
      "The API key's scope does not permit this; a key with scope admin or ci may do it.",
    );
    expect(await refusal(createOrganisationRoute, { key: keys.admin, body: { name: "Mine" } })).toBe(
      "The API key's scope does not permit this; the root key may do it.",
    );
  });
});

describe("organisations", () => {
  it("are listed for the root key, newest first; a key sees its own", async () => {
    const all = (await api.call(listOrganisationsRoute, { key: ROOT_KEY })).body;
    const ids = all.items.map((organisation) => organisation.id);
    expect(ids).toEqual(expect.arrayContaining([tenant.org, stranger.org]));
    expect(ids).toEqual(ids.toSorted().reverse());
    const own = (await api.call(listOrganisationsRoute, { key: tenant.keys.runtime })).body;
    expect(own.items.map((organisation) => organisation.id)).toEqual([tenant.org]);
  });

  it("come in pages", async () => {
    const first = (await api.call(listOrganisationsRoute, { query: { limit: "1" } })).body;
    const cursor = first.next_cursor ?? "";
    const second = (await api.call(listOrganisationsRoute, { query: { limit: "1", cursor } })).body;
    expect(first.items).toHaveLength(1);
    expect(second.items[0]?.id).not.toBe(first.items[0]?.id);
  });
});

/** A body that would be refused if anybody looked at it. */
function notJson(method: string) {
  return method === "POST" || method === "PATCH" ? { bytes: "{" } : {};
}
