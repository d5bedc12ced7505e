/** Znyx's calls as its documents have them, on the mount. What its receivers get is proved end to end. */

import { type ConfigValue, parseOrgId, parseWebhookId } from "@posthorn/domain";
import { ConfigReplica } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "../../api.fixture.ts";
import { WEBHOOK } from "../../every-route.fixture.ts";
import { createWebhookRoute, listWebhooksRoute } from "../../schemas/webhook.ts";
import { type MountCall, mountClientOf } from "../mount-client.fixture.ts";
import { ZNYX_EVENTS, znyxCreate, znyxDelete, znyxList, znyxRotate, znyxTest, znyxUpdate } from "./routes.ts";

const URL_OF_HOOK = "http://127.0.0.1:9/hook?token=canary";

let backend: TestBackend;
let api: TestApi;
/** One that exempts no address from the rules. */
let guarded: TestApi;
let call: MountCall;
let tenant: Tenant;
let replica: ConfigReplica;
const values = new Map<string, ConfigValue>();

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  guarded = await startTestApi(backend, { POSTHORN_ALLOWED_TARGETS: "" });
  call = mountClientOf(api.url);
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
  await guarded[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const at = (webhook?: string) => ({ org: tenant.org, ...(webhook === undefined ? {} : { webhook }) });

const create = (changes: Readonly<Record<string, unknown>> = {}) =>
  call(znyxCreate, {
    path: at(),
    key: tenant.keys.ci,
    body: { url: URL_OF_HOOK, events: ["bundle.published"], ...changes },
  });

/** What the data plane holds once it has everything that was answered before the call. */
async function configOf(webhook: string) {
  await replica.barrier();
  const value = values.get(`webhook.${parseOrgId(tenant.org)}.${parseWebhookId(webhook)}`);
  if (value?.kind !== "present" || value.entry.kind !== "webhook") throw new Error("there is no such webhook");
  return value.entry;
}

describe("creating", () => {
  it("answers as documented, and with the secret if one was asked for", async () => {
    const events = ["bundle.published", "alert.triggered"];
    const created = (await create({ events, generate_secret: true })).body();
    expect(created).toEqual({
      id: expect.any(String),
      org_id: tenant.org,
      url: URL_OF_HOOK,
      events,
      is_active: true,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
      has_secret: true,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    expect(await configOf(created.id)).toMatchObject({ profile: "znyx", patterns: events, hasSecret: true });
  });

  it.each([{}, { generate_secret: false }])(
    "makes none with %j, so that no header of Znyx is signed",
    async (asked) => {
      const answer = await create(asked);
      const created = answer.body();
      expect(created.has_secret).toBe(false);
      expect(answer.text).not.toContain("whsec_");
      expect(await configOf(created.id)).toMatchObject({ profile: "znyx", hasSecret: false });
    },
  );

  it("takes every event of Znyx, and passes over what Znyx does not know", async () => {
    const created = (await create({ events: ZNYX_EVENTS, colour: "red" })).body();
    expect(created.events).toEqual(ZNYX_EVENTS);
    expect(created).not.toHaveProperty("colour");
  });

  it("takes the key from X-API-Key, too", async () => {
    const headers = { "x-api-key": tenant.keys.admin };
    const body = { url: URL_OF_HOOK, events: ["sso.configured"] };
    expect((await call(znyxCreate, { path: at(), key: null, headers, body })).status).toBe(201);
  });

  it("happens once under an Idempotency-Key, whose repetition shows no secret", async () => {
    const body = { url: URL_OF_HOOK, events: ["policy.updated"], generate_secret: true };
    const again = { path: at(), key: tenant.keys.ci, body, headers: { "idempotency-key": "one" } };
    const { secret, ...created } = (await call(znyxCreate, again)).body();
    expect(secret).toMatch(/^whsec_/);
    const repeated = await call(znyxCreate, again);
    expect(repeated.body()).toEqual(created);
    expect((await call(znyxList, { path: at(), key: tenant.keys.ci })).body()).toHaveLength(1);
  });
});

describe("what does not validate is answered 422 as FastAPI does", () => {
  it.each([
    ["no events", { events: [] }, ["body", "events"]],
    ["an unknown event", { events: ["bundle.published", "bundle.deleted"] }, ["body", "events", 1]],
    ["a wildcard", { events: ["bundle.*"] }, ["body", "events", 0]],
    ["the wildcard for all", { events: ["*"] }, ["body", "events", 0]],
    ["no list of events", { events: "bundle.published" }, ["body", "events"]],
    ["a missing URL", { url: undefined }, ["body", "url"]],
    ["a URL of another type", { url: 7 }, ["body", "url"]],
    ["a flag of another type", { generate_secret: "yes" }, ["body", "generate_secret"]],
  ])("%s", async (_what, changes, loc) => {
    const answer = await create(changes);
    expect(answer.status).toBe(422);
    expect(answer.refusal()).toEqual({ detail: [{ loc, msg: expect.any(String), type: "value_error" }] });
  });

  it("also in a change", async () => {
    const { id } = (await create()).body();
    const options = { path: at(id), key: tenant.keys.ci, body: { events: [] } };
    const answer = await call(znyxUpdate, options);
    expect(answer.status).toBe(422);
    expect(answer.refusal()).toEqual({ detail: [expect.objectContaining({ loc: ["body", "events"] })] });
  });
});

describe("a URL that may not be called is answered 400", () => {
  const PRIVATE = "Webhook URL resolves to a private, loopback or reserved address";

  it.each([
    ["http://10.0.0.1/", PRIVATE],
    ["http://127.0.0.1:8080/", PRIVATE],
    ["http://169.254.169.254/latest/meta-data", PRIVATE],
    ["http://metadata.google.internal/", PRIVATE],
    ["http://localhost/", PRIVATE],
    ["http://[::1]/", PRIVATE],
    ["https://nowhere.invalid/", expect.stringContaining("nowhere.invalid cannot be resolved")],
    ["ftp://a.example/", expect.stringMatching(/^Webhook URL /)],
    ["no URL at all", expect.stringMatching(/^Webhook URL /)],
  ])("%s", async (url, detail) => {
    const guardedCall = mountClientOf(guarded.url);
    const body = { url, events: ["bundle.published"] };
    const created = await guardedCall(znyxCreate, { path: at(), key: tenant.keys.ci, body });
    expect([created.status, created.refusal()]).toEqual([400, { detail }]);
    const { id } = (await create()).body();
    const changed = await guardedCall(znyxUpdate, { path: at(id), key: tenant.keys.ci, body: { url } });
    expect([changed.status, changed.refusal()]).toEqual([400, { detail }]);
  });

  it("also where it has become private since, when it is tested", async () => {
    const { id } = (await create()).body();
    const tested = await mountClientOf(guarded.url)(znyxTest, { path: at(id), key: tenant.keys.ci });
    expect([tested.status, tested.refusal()]).toEqual([400, { detail: expect.stringMatching(/^Webhook URL /) }]);
  });
});

describe("the list", () => {
  it("is a bare array of Znyx's webhooks only, newest first, without secrets or the values of queries", async () => {
    await api.call(createWebhookRoute, { path: at(), key: tenant.keys.ci, body: WEBHOOK });
    const first = (await create({ generate_secret: true })).body();
    const second = (await create()).body();
    const answer = await call(znyxList, { path: at(), key: tenant.keys.runtime });
    expect(answer.body().map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(answer.text).not.toMatch(/canary|"secret"/);
    expect(answer.body()[1]).toEqual({
      ...{ id: first.id, org_id: tenant.org, url: "http://127.0.0.1:9/hook?token=***", events: first.events },
      ...{ is_active: true, created_at: first.created_at, has_secret: true },
    });
  });
});

describe("changing", () => {
  it("takes null and what is absent for unchanged", async () => {
    const { secret: _, ...created } = (await create({ generate_secret: true })).body();
    const change = (body: unknown) => call(znyxUpdate, { path: at(created.id), key: tenant.keys.ci, body });
    expect((await change({})).body()).toEqual(created);
    expect((await change({ url: null, events: null, is_active: null })).body()).toEqual(created);
    expect((await change({ is_active: false })).body()).toEqual({ ...created, is_active: false });
    const changes = { url: "http://127.0.0.1:9/other", events: ["team.member_added"], is_active: true };
    expect((await change(changes)).body()).toEqual({ ...created, ...changes });
  });

  it("takes a URL as the list shows it for the URL itself", async () => {
    const { id } = (await create()).body();
    const [listed] = (await call(znyxList, { path: at(), key: tenant.keys.ci })).body();
    const body = { url: listed?.url, events: ["sso.configured"] };
    const changed = (await call(znyxUpdate, { path: at(id), key: tenant.keys.ci, body })).body();
    expect(changed).toMatchObject({ url: URL_OF_HOOK, events: ["sso.configured"] });
  });
});

it("deletes, after which there is no such webhook", async () => {
  const { id } = (await create()).body();
  const options = { path: at(id), key: tenant.keys.ci };
  expect((await call(znyxDelete, options)).body()).toBeUndefined();
  expect((await call(znyxList, options)).body()).toEqual([]);
  for (const route of [znyxDelete, znyxTest, znyxRotate]) {
    const answer = await call(route, options);
    expect([answer.status, answer.refusal()]).toEqual([404, { detail: "Webhook not found" }]);
  }
});

describe("a rotation", () => {
  const rotate = (id: string, body?: unknown) => call(znyxRotate, { path: at(id), key: tenant.keys.ci, body });

  it.each([undefined, {}])("with the body %j shows the new secret, which signs Znyx's header at once", async (body) => {
    const { secret: former, ...created } = (await create({ generate_secret: true })).body();
    const { secret, ...rotated } = (await rotate(created.id, body)).body();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secret).not.toBe(former);
    expect(rotated).toEqual(created);
    const config = await configOf(created.id);
    expect(config.legacySignsWith).toBe("new");
    expect(config.secrets.map(({ signsUntilMs }) => typeof signsUntilMs)).toEqual(["undefined", "number"]);
  });

  it("gives a secret to a webhook that had none, and lets nothing unknown sign beside it", async () => {
    const { id } = (await create()).body();
    expect((await rotate(id)).body()).toMatchObject({ has_secret: true, secret: expect.stringMatching(/^whsec_/) });
    const config = await configOf(id);
    expect(config).toMatchObject({ hasSecret: true, secrets: [{ signsUntilMs: undefined }] });
  });
});

it("does not answer for a dispatcher that cannot be reached", async () => {
  const { id } = (await create()).body();
  const tested = await call(znyxTest, { path: at(id), key: tenant.keys.ci });
  expect([tested.status, tested.refusal()]).toEqual([503, { detail: expect.stringContaining("dispatcher") }]);
  expect(tested.headers.get("retry-after")).toBe("1");
});

it("shows its webhooks to the native API as well", async () => {
  const { id } = (await create()).body();
  const { items } = (await api.call(listWebhooksRoute, { path: at() })).body;
  expect(items).toEqual([expect.objectContaining({ id, profile: "znyx", has_secret: false })]);
});
