/** Nextmv's calls as its documents have them, on the mount. What its receivers get is proved end to end. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "../../api.fixture.ts";
import { STORY_BEGAN_AT_MS, storeStory } from "../../delivery-story.fixture.ts";
import { WEBHOOK } from "../../every-route.fixture.ts";
import { createWebhookRoute, getWebhookRoute, listWebhooksRoute } from "../../schemas/webhook.ts";
import { type MountCall, mountClientOf } from "../mount-client.fixture.ts";
import {
  nextmvConversation,
  nextmvConversations,
  nextmvCreate,
  nextmvDelete,
  nextmvGet,
  nextmvList,
  nextmvReplace,
  nextmvSecret,
  nextmvTrigger,
} from "./routes.ts";

const ENDPOINT = "http://127.0.0.1:9/webhookhandler?token=canary";
const MASKED_ENDPOINT = "http://127.0.0.1:9/webhookhandler?token=***";
const UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057";

let backend: TestBackend;
let api: TestApi;
let call: MountCall;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  call = mountClientOf(api.url);
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

/** As in Nextmv's quick start. */
const QUICK_START = {
  id: "my-webhook",
  event_types: ["run.status"],
  endpoint_url: ENDPOINT,
  description: "Tells me when a run is done",
};

const one = (externalId = QUICK_START.id, key = tenant.keys.ci) => ({ path: { externalId }, key });

const create = (changes: Readonly<Record<string, unknown>> = {}) =>
  call(nextmvCreate, { key: tenant.keys.ci, body: { ...QUICK_START, ...changes }, headers: { accept: "*/*" } });

/** The webhook's own id, which Nextmv's users never see. */
async function nativeId(): Promise<string> {
  const { items } = (await api.call(listWebhooksRoute, { path: { org: tenant.org } })).body;
  return items[0]?.id ?? "";
}

describe("creating", () => {
  it("answers with what was said, under the chosen id, and without the secret", async () => {
    const answer = await create();
    const time = expect.stringMatching(/Z$/);
    expect(answer.body()).toEqual({ ...QUICK_START, created_at: time, updated_at: time });
    expect(answer.text).not.toContain("whsec_");
    const native = (await api.call(getWebhookRoute, { path: { org: tenant.org, webhook: await nativeId() } })).body;
    expect(native).toMatchObject({ profile: "nextmv", url: ENDPOINT, events: ["run.status"], has_secret: true });
  });

  it("needs no description, and passes over what Nextmv does not know", async () => {
    expect((await create({ description: undefined, colour: "red" })).body().description).toBe("");
    expect((await create({ id: "b", description: "" })).body()).not.toHaveProperty("colour");
  });

  it("answers 409 when the id is taken, and not when it was another organisation's or has been deleted", async () => {
    await create();
    const taken = await create({ description: "Another" });
    expect([taken.status, taken.refusal()]).toEqual([
      409,
      { error: "There is a webhook with the id my-webhook already." },
    ]);
    const other = await createTenant(api.call);
    expect((await call(nextmvCreate, { key: other.keys.ci, body: QUICK_START })).status).toBe(201);
    await call(nextmvDelete, one());
    expect((await create()).status).toBe(201);
  });

  it("happens once under an Idempotency-Key", async () => {
    const request = { key: tenant.keys.ci, body: QUICK_START, headers: { "idempotency-key": "one" } };
    const created = (await call(nextmvCreate, request)).body();
    expect((await call(nextmvCreate, request)).body()).toEqual(created);
  });

  it.each([
    [{ event_types: [] }, /^event_types must name at least one event type$/],
    [{ event_types: ["run.status", "run.*"] }, /^event_types\/1 must be one of run.status$/],
    [{ event_types: "run.status" }, /^event_types must be a list$/],
    [{ endpoint_url: undefined }, /^endpoint_url is required$/],
    [{ endpoint_url: "http://10.0.0.1/" }, /^endpoint_url /],
    [{ endpoint_url: "ftp://a.example/" }, /^endpoint_url /],
    [{ id: undefined }, /^id is required$/],
    [{ id: "a/b" }, /^id must be 1 to 64 letters/],
    [{ id: ".." }, /^id must be 1 to 64 letters/],
    [{ id: "a b", event_types: [] }, /^event_types .*; id must be/],
    [{ description: "two\nlines" }, /^description /],
  ])("answers 422 to %j and names the field", async (changes, error) => {
    const answer = await create(changes);
    expect([answer.status, answer.refusal()]).toEqual([422, { error: expect.stringMatching(error) }]);
  });

  it("takes an endpoint whose name does not resolve: deliveries to it fail until it does", async () => {
    expect((await create({ endpoint_url: "https://nowhere.invalid/" })).status).toBe(201);
  });

  it("answers 400 to what is no JSON", async () => {
    const answer = await call(nextmvCreate, { key: tenant.keys.ci, bytes: "{" });
    expect([answer.status, answer.refusal()]).toEqual([400, { error: "The body is not valid JSON in UTF-8." }]);
  });
});

describe("reading", () => {
  it("lists Nextmv's webhooks only, newest first, without the values of queries", async () => {
    await api.call(createWebhookRoute, { path: { org: tenant.org }, body: WEBHOOK });
    await create();
    await create({ id: "second" });
    const answer = await call(nextmvList, { key: tenant.keys.runtime });
    expect(answer.body().map(({ id, endpoint_url }) => [id, endpoint_url])).toEqual([
      ["second", MASKED_ENDPOINT],
      ["my-webhook", MASKED_ENDPOINT],
    ]);
    expect(answer.text).not.toMatch(/secret|canary/);
  });

  it("shows the whole URL to those who could change it", async () => {
    const created = (await create()).body();
    expect((await call(nextmvGet, one())).body()).toEqual(created);
    const { endpoint_url } = (await call(nextmvGet, one(undefined, tenant.keys.runtime))).body();
    expect(endpoint_url).toBe(MASKED_ENDPOINT);
  });

  it("finds a webhook of the native API under its own id, whose secret it does not tell", async () => {
    const body = { ...WEBHOOK, profile: "nextmv", events: ["run.status"] };
    const { id, secret } = (await api.call(createWebhookRoute, { path: { org: tenant.org }, body })).body;
    expect((await call(nextmvGet, one(id))).body()).toMatchObject({ id, endpoint_url: WEBHOOK.url });
    const told = await call(nextmvSecret, one(id));
    expect([told.status, told.text]).toEqual([404, expect.not.stringContaining(secret)]);
  });

  it("does not find a webhook with a chosen id under another one", async () => {
    await create();
    expect((await call(nextmvGet, one(await nativeId()))).status).toBe(404);
  });
});

describe("replacing", () => {
  const replace = (body: unknown, externalId?: string) => call(nextmvReplace, { ...one(externalId), body });

  it("sets all fields, so that what is not said is gone", async () => {
    const created = (await create()).body();
    const body = { event_types: ["run.status"], endpoint_url: "http://127.0.0.1:9/other" };
    const replaced = (await replace(body)).body();
    expect(replaced).toEqual({ ...created, ...body, description: "", updated_at: expect.any(String) });
    expect((await call(nextmvGet, one())).body()).toEqual(replaced);
    expect((await replace({ description: "half" })).status).toBe(422);
  });

  it("keeps the id, the secret, and a URL that comes back as a list shows it", async () => {
    await create();
    const { secret } = (await call(nextmvSecret, one())).body();
    const [listed] = (await call(nextmvList, one())).body();
    expect((await replace({ ...listed, description: "New" })).body()).toMatchObject({
      ...{ id: QUICK_START.id, endpoint_url: ENDPOINT, description: "New" },
    });
    expect((await call(nextmvSecret, one())).body()).toEqual({ secret });
    const renamed = await replace({ ...QUICK_START, id: "renamed" });
    expect([renamed.status, renamed.refusal()]).toEqual([422, { error: expect.stringMatching(/^id must be the id/) }]);
  });

  it("makes none where there is none", async () => {
    expect((await replace(QUICK_START)).status).toBe(404);
    expect((await call(nextmvList, one())).body()).toEqual([]);
  });

  it("takes what the engine has disabled back into service, but not what its owner has paused", async () => {
    await create();
    const isActive = async () => (await api.call(getWebhookRoute, { path: await native() })).body.is_active;
    const native = async () => ({ org: tenant.org, webhook: await nativeId() });
    const set = (columns: { is_active: boolean; disabled_reason: string | null }) =>
      backend.database.db.updateTable("webhooks").set(columns).where("org_id", "=", tenant.org).execute();
    await set({ is_active: false, disabled_reason: null });
    await replace(QUICK_START);
    expect(await isActive()).toBe(false);
    await set({ is_active: false, disabled_reason: "gone" });
    await replace(QUICK_START);
    expect(await isActive()).toBe(true);
  });
});

it("deletes, after which there is no such webhook", async () => {
  await create();
  expect((await call(nextmvDelete, one())).body()).toBeUndefined();
  for (const route of [nextmvGet, nextmvDelete, nextmvSecret, nextmvConversations]) {
    const answer = await call(route, one());
    expect([answer.status, answer.refusal()]).toEqual([404, { error: "There is no such webhook." }]);
  }
});

it("tells the secret as often as it is asked, and it is what the native API does not tell", async () => {
  await create();
  const first = (await call(nextmvSecret, { ...one(), headers: { accept: "application/json" } })).body();
  expect(first.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect((await call(nextmvSecret, one(undefined, tenant.keys.admin))).body()).toEqual(first);
  const native = await api.call(getWebhookRoute, { path: { org: tenant.org, webhook: await nativeId() } });
  expect(native.text).not.toContain(first.secret);
});

it("does not answer for a dispatcher that cannot be reached", async () => {
  await create();
  const triggered = await call(nextmvTrigger, { ...one(), body: { data: { run_id: "r-1" } } });
  expect([triggered.status, triggered.refusal()]).toEqual([503, { error: expect.stringContaining("dispatcher") }]);
});

describe("conversations", () => {
  const list = (query: Readonly<Record<string, string>> = {}) => call(nextmvConversations, { ...one(), query });

  it("are the attempts of all deliveries, newest first, each with its request and its response", async () => {
    await create();
    const { id } = await storeStory(backend, { org: tenant.org, webhook: await nativeId(), profile: "nextmv" });
    const conversations = (await list()).body();
    expect(conversations.map((conversation) => conversation.id)).toEqual([`${id}-2`, `${id}-1`]);
    expect(conversations[1]).toEqual({
      id: `${id}-1`,
      webhook_id: QUICK_START.id,
      event_type: "agent.status",
      created_at: new Date(STORY_BEGAN_AT_MS + 100).toISOString(),
      duration_ms: 12,
      successful: false,
      error: "receiver answered 500",
      request: {
        url: "http://127.0.0.1:9/hook?token=***",
        headers: { "content-type": "application/json" },
        body: '{"a":1}',
      },
      response: { status_code: 500, headers: { "x-answer": "1" }, body: "o\ufffdk", truncated: false },
    });
    expect(conversations[0]).toMatchObject({ successful: true, error: null, response: { status_code: 200 } });
  });

  it("can be had one by one, but no others", async () => {
    await create();
    const { id } = await storeStory(backend, { org: tenant.org, webhook: await nativeId(), profile: "nextmv" });
    await create({ id: "second" });
    const get = (attempt: string, externalId = QUICK_START.id) =>
      call(nextmvConversation, { path: { externalId, attempt }, key: tenant.keys.runtime });
    const [newest, oldest] = (await list()).body();
    expect((await get(`${id}-2`)).body()).toEqual(newest);
    expect((await get(`${id}-1`)).body()).toEqual(oldest);
    for (const unknown of [`${id}-3`, `${id}-0`, id, `${UNKNOWN}-1`, "nonsense"]) {
      expect((await get(unknown)).status).toBe(404);
    }
    const elsewhere = await get(`${id}-2`, "second");
    expect([elsewhere.status, elsewhere.refusal()]).toEqual([404, { error: "There is no such conversation." }]);
  });

  it("come in pages of deliveries", async () => {
    await create();
    const webhook = await nativeId();
    const first = await storeStory(backend, { org: tenant.org, webhook, profile: "nextmv" });
    const second = await storeStory(backend, { org: tenant.org, webhook, profile: "nextmv" });
    const pages = [];
    for (const skip of ["0", "1", "2"]) pages.push((await list({ skip, limit: "1" })).body().map(({ id }) => id));
    expect(pages.map((page) => page.length)).toEqual([2, 2, 0]);
    expect(pages.flat().toSorted()).toEqual([first, second].flatMap(({ id }) => [`${id}-1`, `${id}-2`]).toSorted());
    for (const query of [{ limit: "0" }, { limit: "101" }, { skip: "-1" }, { skip: "x" }]) {
      expect((await list(query)).status).toBe(422);
    }
  });
});
