/** The settings of webhooks that need more than one part to work: what is taken, shown, sealed and passed on. */

import { type ConfigValue, profileOf } from "@posthorn/domain";
import { ConfigReplica } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { createWebhookRoute, getWebhookRoute, listWebhooksRoute, updateWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let replica: ConfigReplica;
const values = new Map<string, ConfigValue>();

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value),
    onReset: () => values.clear(),
    onTrouble: () => {},
  });
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  replica[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (webhook?: string) => ({ org: tenant.org, ...(webhook === undefined ? {} : { webhook }) });

async function create(changes: Readonly<Record<string, unknown>> = {}) {
  const { body } = await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, ...changes } });
  return body;
}

async function update(webhook: string, body: Readonly<Record<string, unknown>>) {
  return (await api.call(updateWebhookRoute, { path: path(webhook), body })).body;
}

/** What the data plane holds once it has everything that was answered before the call. */
async function configOf(webhook: string) {
  await replica.barrier();
  const value = values.get(`webhook.${tenant.org}.${webhook}`);
  if (value?.kind !== "present" || value.entry.kind !== "webhook")
    throw new Error("the data plane has no such webhook");
  return value.entry;
}

const GITHUB = { profile: "github-dispatch", profile_options: { token: "ghp_canary", event_type_prefix: "myop-" } };

it("all of them are kept, shown, and passed on to the data plane", async () => {
  const said = {
    filter: 'data.amount > 100 && type.startsWith("agent.")',
    rate_limit: 25,
    ordered: true,
    headers: { "X-Own": "canary", Authorization: "Basic canary" },
    signing: "ed25519",
  };
  const { secret, ...created } = await create(said);
  expect(created).toMatchObject({
    ...said,
    headers: { "X-Own": "***", Authorization: "***" },
    public_key: expect.stringMatching(/^whpk_[A-Za-z0-9+/]{43}=$/),
  });
  expect(secret).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/);
  expect((await api.call(getWebhookRoute, { path: path(created.id) })).body).toEqual(created);
  expect(await configOf(created.id)).toMatchObject({
    filter: said.filter,
    rateLimit: 25,
    ordered: true,
    sealedHeaders: expect.any(Uint8Array),
    sealedToken: undefined,
    secrets: [{ ciphertext: expect.any(Uint8Array), signsUntilMs: undefined }],
  });
});

it("null takes each back to its default", async () => {
  const said = { filter: "true", rate_limit: 25, ordered: true, headers: { "X-Own": "1" }, ...GITHUB };
  const { id } = await create(said);
  const body = { ...Object.fromEntries(Object.keys(said).map((field) => [field, null])), signing: null };
  const defaults = {
    filter: null,
    rate_limit: null,
    ordered: false,
    headers: {},
    profile: "standard",
    profile_options: null,
  };
  expect(await update(id, body)).toMatchObject(defaults);
  expect((await api.call(getWebhookRoute, { path: path(id) })).body).toMatchObject(defaults);
  expect(await configOf(id)).toMatchObject({
    filter: undefined,
    rateLimit: undefined,
    ordered: false,
    sealedHeaders: undefined,
    sealedToken: undefined,
    eventTypePrefix: "",
  });
});

it("what is absent stays, sealed parts included", async () => {
  const { id, secret: _, ...created } = await create({ filter: "true", headers: { "X-Own": "1" }, ...GITHUB });
  const before = await configOf(id);
  const updated = await update(id, { description: "changed" });
  expect(updated).toEqual({ id, ...created, description: "changed", updated_at: updated.updated_at });
  expect(await configOf(id)).toEqual(before);
});

describe("github-dispatch", () => {
  it("shows that it has a token, never which", async () => {
    const { secret: _, ...created } = await create(GITHUB);
    const { timeoutMs } = profileOf("github-dispatch");
    const shown = { profile_options: { token: "***", event_type_prefix: "myop-" }, timeout_ms: timeoutMs };
    expect(created).toMatchObject(shown);
    const answers = [
      await api.call(getWebhookRoute, { path: path(created.id) }),
      await api.call(listWebhooksRoute, { path: path() }),
      await api.call(updateWebhookRoute, { path: path(created.id), body: { description: "x" } }),
    ];
    for (const { text } of answers) expect(text).not.toContain("ghp_canary");
    const config = await configOf(created.id);
    expect(config).toMatchObject({ eventTypePrefix: "myop-", sealedToken: expect.any(Uint8Array) });
    expect(Buffer.from(config.sealedToken ?? []).toString("latin1")).not.toContain("ghp_canary");
  });

  it("takes another token without the prefix, and another prefix without the token", async () => {
    const { id } = await create(GITHUB);
    const before = await configOf(id);
    expect(await update(id, { profile_options: { token: "other" } })).toMatchObject({
      profile_options: { token: "***", event_type_prefix: "myop-" },
    });
    const after = await configOf(id);
    expect(after.sealedToken).not.toEqual(before.sealedToken);
    expect(await update(id, { profile_options: { event_type_prefix: null } })).toMatchObject({
      profile_options: { token: "***", event_type_prefix: "" },
    });
    expect(await configOf(id)).toMatchObject({ eventTypePrefix: "", sealedToken: after.sealedToken });
  });

  it("does not let go of its token", async () => {
    const { id } = await create(GITHUB);
    for (const profile_options of [null, { token: null }]) {
      const { problem } = await api.call(updateWebhookRoute, { path: path(id), body: { profile_options } });
      expect(problem.errors).toEqual([
        { path: "/profile_options/token", message: "is required by the profile github-dispatch" },
      ]);
    }
  });
});

describe("custom headers", () => {
  it("are replaced as a whole", async () => {
    const { id } = await create({ headers: { "X-One": "1", "X-Two": "2" } });
    const before = await configOf(id);
    expect((await update(id, { headers: { "X-Two": "3" } })).headers).toEqual({ "X-Two": "***" });
    expect((await configOf(id)).sealedHeaders).not.toEqual(before.sealedHeaders);
    expect((await update(id, { headers: {} })).headers).toEqual({});
    expect((await configOf(id)).sealedHeaders).toBeUndefined();
  });

  it("may have every name that a program could trip over", async () => {
    const bytes = `{"url":"${WEBHOOK.url}","events":["*"],"headers":{"__proto__":"1","constructor":"2"}}`;
    const { text } = await api.call(createWebhookRoute, { path: path(), bytes });
    expect(text).toContain('"headers":{"__proto__":"***","constructor":"***"}');
  });
});

describe("signing ed25519", () => {
  // RFC 8032, section 7.1, test 1.
  const keys =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60" +
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  const given = `whsk_${Buffer.from(keys, "hex").toString("base64")}`;

  it("takes a pair of keys, and shows the public one always", async () => {
    const { id, secret, public_key } = await create({ signing: "ed25519", secret: given });
    expect(secret).toBe(given);
    expect(public_key).toBe(`whpk_${Buffer.from(keys, "hex").subarray(32).toString("base64")}`);
    const { body, text } = await api.call(getWebhookRoute, { path: path(id) });
    expect(body).toMatchObject({ signing: "ed25519", public_key });
    expect(text).not.toContain("whsk_");
  });

  it("is chosen once", async () => {
    const { id } = await create({ signing: "ed25519" });
    expect((await update(id, { signing: "ed25519", description: "x" })).signing).toBe("ed25519");
    for (const signing of ["hmac", null]) {
      const { problem } = await api.call(updateWebhookRoute, { path: path(id), body: { signing } });
      expect(problem.errors?.map(({ path: at }) => at)).toEqual(["/signing"]);
    }
  });
});

describe("what the engine took out of service", () => {
  it("says why, cancels what was pending, and starts anew when it is activated", async () => {
    const { id } = await create();
    const columns = { is_active: false, disabled_reason: "gone", version: 2 };
    await backend.database.db.updateTable("webhooks").set(columns).where("id", "=", id).execute();
    const { body } = await api.call(getWebhookRoute, { path: path(id) });
    expect(body).toMatchObject({ is_active: false, disabled_reason: "gone", health: { state: "disabled" } });
    expect(await update(id, { description: "x" })).toMatchObject({ disabled_reason: "gone" });
    expect(await configOf(id)).toMatchObject({ isActive: false, disabledByEngine: true });
    expect(await update(id, { is_active: true })).toMatchObject({ is_active: true, disabled_reason: null });
    expect(await configOf(id)).toMatchObject({ isActive: true, disabledByEngine: false });
    expect(await update(id, { is_active: false })).toMatchObject({ is_active: false, disabled_reason: null });
    expect(await configOf(id)).toMatchObject({ isActive: false, disabledByEngine: false });
  });
});

describe("the health", () => {
  it.each([
    [{ consecutive_failures: 0, last_status_code: 204, last_error_class: null }, "healthy"],
    [{ consecutive_failures: 3, last_status_code: null, last_error_class: "timeout" }, "failing"],
  ])("says how its receiver has been doing: %j", async (health, state) => {
    const { id } = await create();
    const at = new Date("2026-03-24T13:37:00.123Z");
    const row = { webhook_id: id, org_id: tenant.org, last_attempt_at: at, ...health };
    await backend.database.db.insertInto("webhook_health").values(row).execute();
    const expected = { state, last_attempt_at: "2026-03-24T13:37:00.123Z", ...health, circuit: "closed" };
    expect((await api.call(getWebhookRoute, { path: path(id) })).body.health).toEqual(expected);
    const paused = await api.call(updateWebhookRoute, { path: path(id), body: { is_active: false } });
    expect(paused.body.health).toEqual({ ...expected, state: "disabled" });
  });

  it("an open circuit is shown", async () => {
    const { id } = await create();
    const circuit = { circuit: "open", circuit_generation: 3, circuit_changed_at: new Date() } as const;
    const row = { webhook_id: id, org_id: tenant.org, last_attempt_at: null, consecutive_failures: 0, ...circuit };
    await backend.database.db.insertInto("webhook_health").values(row).execute();
    const { body } = await api.call(getWebhookRoute, { path: path(id) });
    expect(body.health).toMatchObject({ state: "unknown", last_attempt_at: null, circuit: "open" });
  });
});
