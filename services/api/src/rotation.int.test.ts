/** Rotations of secrets over REST: what is answered once, what the data plane signs with, and what is forgotten. */

import { type ConfigValue, parseOrgId, parseWebhookId, signingSecrets, type WebhookConfig } from "@posthorn/domain";
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
import { openSecretSealer, type SecretSealer } from "./io/secret-sealer.ts";
import { openWebhooks } from "./io/webhooks.ts";
import { createWebhookRoute, getWebhookRoute, rotateSecretRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let replica: ConfigReplica;
let signer: SecretSealer;
const values = new Map<string, ConfigValue>();

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  signer = openSecretSealer(backend.env.POSTHORN_SIGNER_TARGET ?? "", () => {});
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
  signer[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (webhook?: string) => ({ org: tenant.org, ...(webhook === undefined ? {} : { webhook }) });

async function create(changes: Readonly<Record<string, unknown>> = {}) {
  return (await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, ...changes } })).body;
}

async function rotate(webhook: string, body: Readonly<Record<string, unknown>> = {}) {
  return (await api.call(rotateSecretRoute, { path: path(webhook), body })).body;
}

async function configOf(webhook: string): Promise<WebhookConfig> {
  await replica.barrier();
  const value = values.get(`webhook.${tenant.org}.${webhook}`);
  if (value?.kind !== "present" || value.entry.kind !== "webhook")
    throw new Error("the data plane has no such webhook");
  return value.entry;
}

/** What a dispatcher signs with at that moment, as the signer opens it: newest first, and what a lone header is made of. */
async function signsWith(webhook: string, nowMs = Date.now()) {
  const config = await configOf(webhook);
  const { sealed, legacyIndex } = signingSecrets(config, nowMs);
  const opened = await Promise.all(sealed.map((ciphertext) => reveal(webhook, ciphertext)));
  return { all: opened, legacy: opened[legacyIndex] };
}

async function reveal(webhook: string, ciphertext: Uint8Array): Promise<string> {
  const orgId = parseOrgId(tenant.org);
  const webhookId = parseWebhookId(webhook);
  if (orgId === undefined || webhookId === undefined) throw new Error("no id");
  const revealed = await signer.reveal({ orgId, webhookId }, ciphertext);
  if (revealed.kind !== "revealed") throw new Error("the signer did not open it");
  return revealed.secret;
}

const DAY_MS = 86_400_000;

describe("a rotation", () => {
  it("answers with the webhook and its new secret, this once", async () => {
    const { secret: former, ...before } = await create();
    const { secret, ...after } = await rotate(before.id);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secret).not.toBe(former);
    expect(after).toEqual({ ...before, updated_at: after.updated_at });
    const { body, text } = await api.call(getWebhookRoute, { path: path(before.id) });
    expect(body).toEqual(after);
    expect(text).not.toContain('"secret"');
  });

  it("lets both secrets sign for a day, lone headers by the old one", async () => {
    const { id, secret: former } = await create();
    const startedAtMs = Date.now();
    const { secret } = await rotate(id);
    expect(await signsWith(id)).toEqual({ all: [secret, former], legacy: former });
    expect(await signsWith(id, startedAtMs + DAY_MS - 1)).toEqual({ all: [secret, former], legacy: former });
    expect(await signsWith(id, Date.now() + DAY_MS)).toEqual({ all: [secret], legacy: secret });
  });

  it("takes a secret, an overlap, and which secret lone headers are made with", async () => {
    const { id, secret: former } = await create();
    const given = "0123456789abcdef";
    const startedAtMs = Date.now();
    expect((await rotate(id, { secret: given, overlap_s: 60, legacy_signs_with: "new" })).secret).toBe(given);
    expect(await signsWith(id)).toEqual({ all: [given, former], legacy: given });
    expect((await signsWith(id, startedAtMs + 59_999)).all).toEqual([given, former]);
    expect((await signsWith(id, Date.now() + 60_000)).all).toEqual([given]);
  });

  it("without an overlap stops all former secrets at once, and forgets them", async () => {
    const { id } = await create();
    await rotate(id);
    const { secret } = await rotate(id, { overlap_s: 0 });
    expect(await signsWith(id)).toEqual({ all: [secret], legacy: secret });
    expect((await configOf(id)).secrets).toHaveLength(1);
  });

  it("keeps three secrets at most, the newest", async () => {
    const { id } = await create();
    const secrets: string[] = [];
    for (let round = 0; round < 4; round += 1) secrets.unshift((await rotate(id)).secret);
    expect(await signsWith(id)).toEqual({ all: secrets.slice(0, 3), legacy: secrets[2] });
  });

  it("loses no secret of two that are made at the same time", async () => {
    const { id, secret: former } = await create();
    const rotated = await Promise.all([rotate(id), rotate(id)]);
    const { all } = await signsWith(id);
    expect(all.toSorted()).toEqual([former, ...rotated.map(({ secret }) => secret)].toSorted());
  });

  it("of ed25519 makes a new pair of keys", async () => {
    const { id, secret: former, public_key } = await create({ signing: "ed25519" });
    const rotated = await rotate(id);
    expect(rotated).toMatchObject({
      signing: "ed25519",
      secret: expect.stringMatching(/^whsk_/),
      public_key: expect.stringMatching(/^whpk_/),
    });
    expect(rotated.public_key).not.toBe(public_key);
    expect(await signsWith(id)).toMatchObject({ all: [rotated.secret, former] });
  });

  it("takes no body for the defaults, and null for each of them", async () => {
    const { id } = await create();
    expect((await api.call(rotateSecretRoute, { path: path(id) })).status).toBe(200);
    expect((await rotate(id, { secret: null, overlap_s: null, legacy_signs_with: null })).has_secret).toBe(true);
  });

  it("that is repeated with its Idempotency-Key is made once, and its secret not told again", async () => {
    const { id } = await create();
    const request = { path: path(id), body: {}, headers: { "idempotency-key": "once" } };
    const first = await api.call(rotateSecretRoute, request);
    const response = await fetch(`${api.url}/v1/orgs/${tenant.org}/webhooks/${id}/rotate-secret`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": tenant.keys.ci, "idempotency-key": "once" },
      body: "{}",
    });
    const { secret, ...told } = first.body;
    expect([response.status, await response.json()]).toEqual([200, told]);
    expect((await signsWith(id)).all[0]).toBe(secret);
    expect((await configOf(id)).secrets).toHaveLength(2);
  });

  it.each([
    [{ overlap_s: -1 }, "/overlap_s", "must be a whole number from 0 to 2592000"],
    [{ overlap_s: 2_592_001 }, "/overlap_s", "must be a whole number from 0 to 2592000"],
    [{ overlap_s: "60" }, "/overlap_s", "must be a whole number from 0 to 2592000"],
    [{ legacy_signs_with: "both" }, "/legacy_signs_with", "must be one of old, new"],
    [{ secret: "short" }, "/secret", "must be a text of 16 to 256 printable ASCII characters"],
    [
      { secret: `whsk_${"A".repeat(86)}==` },
      "/secret",
      "must not begin with whsk_, which is for the keys of signing ed25519",
    ],
    [{ signing: "ed25519" }, "/signing", "is not a known field"],
  ])("refuses %j", async (body, at, message) => {
    const { id, secret } = await create();
    const { problem } = await api.call(rotateSecretRoute, { path: path(id), body });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
    expect(await signsWith(id)).toEqual({ all: [secret], legacy: secret });
  });
});

it("secrets whose overlap is over are forgotten, without anybody seeing a change", async () => {
  const { id } = await create();
  const { secret, updated_at } = await rotate(id, { overlap_s: 1 });
  const webhooks = openWebhooks(backend.database.db);
  expect(await webhooks.purgeSecrets(Date.now())).toBe(0);
  expect(await webhooks.purgeSecrets(Date.now() + 1_000)).toBe(1);
  expect(await webhooks.purgeSecrets(Date.now() + 1_000)).toBe(0);
  const columns = ["sealed_secrets", "secret_expiries", "version"] as const;
  const row = backend.database.db.selectFrom("webhooks").select(columns).where("id", "=", id);
  expect(await row.executeTakeFirst()).toEqual({
    sealed_secrets: [expect.any(Buffer)],
    secret_expiries: [null],
    version: 3,
  });
  // The next change of anything drains the outbox, this one's row included.
  await create();
  expect((await configOf(id)).secrets).toHaveLength(1);
  expect((await signsWith(id)).all).toEqual([secret]);
  expect((await api.call(getWebhookRoute, { path: path(id) })).body.updated_at).toBe(updated_at);
});
