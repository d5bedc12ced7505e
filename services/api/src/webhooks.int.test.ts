/** Webhooks over REST: what is taken, what comes back, and what the data plane gets to see. */

import { type ConfigValue, PROFILE_NAMES, parseOrgId, profileOf } from "@posthorn/domain";
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
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

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

/** What the data plane holds of the webhook once it has everything that was answered before the call. */
async function configOf(webhook: string): Promise<ConfigValue | undefined> {
  await replica.barrier();
  return values.get(`webhook.${tenant.org}.${webhook}`);
}

describe("creating", () => {
  it("fills in what was not said", async () => {
    const created = await create();
    expect(created).toEqual({
      id: expect.any(String),
      org_id: tenant.org,
      url: WEBHOOK.url,
      events: WEBHOOK.events,
      filter: null,
      description: null,
      profile: "standard",
      profile_options: null,
      headers: {},
      timeout_ms: 15_000,
      retry_schedule_s: null,
      rate_limit: null,
      ordered: false,
      signing: "hmac",
      public_key: null,
      is_active: true,
      disabled_reason: null,
      has_secret: true,
      health: {
        state: "unknown",
        last_attempt_at: null,
        last_status_code: null,
        last_error_class: null,
        consecutive_failures: 0,
        circuit: "closed",
      },
      created_at: expect.any(String),
      updated_at: created.created_at,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
  });

  it("keeps what was said", async () => {
    const said = {
      url: "http://127.0.0.1:9/hook?token=a%20b&c",
      events: ["*", "agent.*.done", "a"],
      description: "Für die Leitstelle",
      profile: "myop",
      timeout_ms: 1_000,
      retry_schedule_s: [1, 518_400],
      is_active: false,
    };
    const { secret, ...created } = await create({ ...said, secret: "0123456789abcdef" });
    expect(created).toMatchObject(said);
    expect(secret).toBe("0123456789abcdef");
    expect((await api.call(getWebhookRoute, { path: path(created.id) })).body).toEqual(created);
  });

  it("takes null, or the default itself, for a default", async () => {
    const neutral = {
      description: null,
      profile: null,
      timeout_ms: null,
      retry_schedule_s: null,
      is_active: null,
      secret: null,
      filter: null,
      profile_options: null,
      headers: {},
      rate_limit: null,
      ordered: false,
      signing: "hmac",
    };
    const { id: _, secret: _s, created_at: _c, updated_at: _u, ...given } = await create(neutral);
    const { id: _2, secret: _s2, created_at: _c2, updated_at: _u2, ...byDefault } = await create();
    expect(given).toEqual(byDefault);
  });

  it.each(PROFILE_NAMES)("knows the profile %s and its timeout", async (profile) => {
    const options = profile === "github-dispatch" ? { profile_options: { token: "ghp_0123456789" } } : {};
    expect(await create({ profile, ...options })).toMatchObject({ profile, timeout_ms: profileOf(profile).timeoutMs });
  });

  it("is in effect when it is answered, with a secret that only the signer can open", async () => {
    const created = await create({ events: ["agent.*"], timeout_ms: 2_000, retry_schedule_s: [] });
    const config = await configOf(created.id);
    expect(config).toEqual({
      kind: "present",
      version: 1,
      entry: {
        kind: "webhook",
        id: created.id,
        orgId: parseOrgId(tenant.org),
        url: WEBHOOK.url,
        patterns: ["agent.*"],
        profile: "standard",
        timeoutMs: 2_000,
        retryDelaysS: [],
        isActive: true,
        disabledByEngine: false,
        secrets: [{ ciphertext: expect.any(Uint8Array), signsUntilMs: undefined }],
        legacySignsWith: "old",
        hasSecret: true,
        filter: undefined,
        eventTypePrefix: "",
        sealedToken: undefined,
        sealedHeaders: undefined,
        rateLimit: undefined,
        ordered: false,
      },
    });
    const text = Buffer.from(JSON.stringify(config)).toString();
    expect(text).not.toContain(created.secret);
  });
});

describe("listing", () => {
  it("shows the newest first, in pages, with masked queries and no secrets", async () => {
    const created = [];
    for (const number of [1, 2, 3, 4, 5])
      created.push(await create({ url: `http://127.0.0.1/${number}?token=canary` }));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = { limit: "2", ...(cursor === null ? {} : { cursor }) };
      const { body, text } = await api.call(listWebhooksRoute, { path: path(), query });
      expect(text).not.toContain("canary");
      expect(text).not.toContain('"secret"');
      seen.push(...body.items.map((item) => item.id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(created.map(({ id }) => id).toReversed());
  });

  it.each([
    [{ limit: "0" }, "/limit", "must be a whole number from 1 to 500"],
    [{ limit: "501" }, "/limit", "must be a whole number from 1 to 500"],
    [{ limit: "ten" }, "/limit", "must be a whole number from 1 to 500"],
    [{ limit: "1e2" }, "/limit", "must be a whole number from 1 to 500"],
    [{ cursor: "nonsense" }, "/cursor", "must be the next_cursor of an earlier page"],
    [{ offset: "1" }, "/offset", "is not a known field"],
  ])("refuses %j", async (query, at, message) => {
    const { problem } = await api.call(listWebhooksRoute, { path: path(), query });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
  });

  it("refuses a parameter that is given twice", async () => {
    const response = await fetch(`${api.url}/v1/orgs/${tenant.org}/webhooks?limit=1&limit=2`, {
      headers: { "x-api-key": tenant.keys.admin },
    });
    expect(response.status).toBe(422);
  });
});

describe("getting", () => {
  it("shows the whole URL to those who could change it, and a masked one to others", async () => {
    const { id } = await create({ url: "http://127.0.0.1/hook?token=canary" });
    const urlFor = async (key: string) => (await api.call(getWebhookRoute, { path: path(id), key })).body.url;
    expect(await urlFor(tenant.keys.ci)).toBe("http://127.0.0.1/hook?token=canary");
    expect(await urlFor(tenant.keys.runtime)).toBe("http://127.0.0.1/hook?token=***");
  });
});

describe("updating", () => {
  it("changes what is given and nothing else", async () => {
    const { secret: _, ...before } = await create({ description: "before", timeout_ms: 5_000, retry_schedule_s: [7] });
    const changed = (await api.call(updateWebhookRoute, { path: path(before.id), body: { events: ["b", "c.*"] } }))
      .body;
    expect(changed).toEqual({ ...before, events: ["b", "c.*"], updated_at: changed.updated_at });
    expect(changed.updated_at >= before.updated_at).toBe(true);
    expect((await api.call(getWebhookRoute, { path: path(before.id) })).body).toEqual(changed);
  });

  it("takes null for the default", async () => {
    const said = { description: "x", timeout_ms: 5_000, retry_schedule_s: [7], is_active: false, profile: "mutx" };
    const { id } = await create(said);
    const body = Object.fromEntries(Object.keys(said).map((field) => [field, null]));
    expect((await api.call(updateWebhookRoute, { path: path(id), body })).body).toMatchObject({
      description: null,
      timeout_ms: 15_000,
      retry_schedule_s: null,
      is_active: true,
      profile: "standard",
    });
  });

  it("is in effect when it is answered, under a version of its own, with the same secret", async () => {
    const { id } = await create();
    const before = await configOf(id);
    for (const [index, url] of ["http://127.0.0.1/2", "http://127.0.0.1/3"].entries()) {
      await api.call(updateWebhookRoute, { path: path(id), body: { url } });
      const after = await configOf(id);
      expect(after).toMatchObject({ kind: "present", version: index + 2, entry: { url } });
      expect(secretsOf(after)).toEqual(secretsOf(before));
    }
  });

  it("loses no change of two that are made at the same time", async () => {
    const { id } = await create();
    for (let round = 1; round <= 10; round += 1) {
      const changes = { description: `${round}`, timeout_ms: 4_000 + round, events: [`round.${round}`] };
      const fields = Object.entries(changes).map(([field, value]) => ({ [field]: value }));
      await Promise.all(fields.map((body) => api.call(updateWebhookRoute, { path: path(id), body })));
      expect((await api.call(getWebhookRoute, { path: path(id) })).body).toMatchObject(changes);
      expect(await configOf(id)).toMatchObject({ version: 1 + 3 * round });
    }
  });
});

describe("deleting", () => {
  it("is in effect when it is answered, and leaves no secret behind", async () => {
    const { id } = await create();
    expect((await api.call(deleteWebhookRoute, { path: path(id) })).status).toBe(204);
    expect(await configOf(id)).toEqual({ kind: "deleted", version: 2 });
    const query = backend.database.db.selectFrom("webhooks").select("sealed_secrets").where("id", "=", id);
    expect(await query.executeTakeFirst()).toEqual({ sealed_secrets: [] });
  });

  it("makes it unknown to everything but history", async () => {
    const { id } = await create();
    await api.call(deleteWebhookRoute, { path: path(id) });
    for (const route of [getWebhookRoute, updateWebhookRoute, deleteWebhookRoute]) {
      const body = route.method === "PATCH" ? { description: "x" } : undefined;
      expect((await api.call(route, { path: path(id), body })).problem.status).toBe(404);
    }
    expect((await api.call(listWebhooksRoute, { path: path() })).body.items).toEqual([]);
  });

  it("takes no body", async () => {
    const { id } = await create();
    expect((await api.call(deleteWebhookRoute, { path: path(id), body: {} })).problem.status).toBe(422);
    const empty = { bytes: "", headers: { "content-type": "application/json" } };
    expect((await api.call(deleteWebhookRoute, { path: path(id), ...empty })).status).toBe(204);
  });
});

function secretsOf(value: ConfigValue | undefined) {
  if (value?.kind !== "present" || value.entry.kind !== "webhook") throw new Error("no webhook");
  return value.entry.secrets;
}
