/** Webhooks under terms that the native API does not offer, and what the engine itself does to one. */

import { randomBytes } from "node:crypto";
import { type ConfigValue, type OrgId, parseOrgId } from "@posthorn/domain";
import { ConfigReplica } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTenant, startTestApi, startTestBackend, type TestApi, type TestBackend } from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import type { ChangedBy } from "./handlers/audited.ts";
import { type MakeWebhook, type WebhookTerms, webhookMaker } from "./handlers/create-webhook.ts";
import { webhookRemover } from "./handlers/delete-webhook.ts";
import { secretRevealer } from "./handlers/reveal-secret.ts";
import { secretRotator } from "./handlers/rotate-secret.ts";
import { openSecretSealer, type SecretSealer } from "./io/secret-sealer.ts";
import { openWebhooks, type Webhooks } from "./io/webhooks.ts";
import { createWebhookRoute, getWebhookRoute, updateWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let org: OrgId;
let replica: ConfigReplica;
let signer: SecretSealer;
let webhooks: Webhooks;
let make: MakeWebhook;
const values = new Map<string, ConfigValue>();
const chance = { nowMs: Date.now, randomBytes };
const BY: ChangedBy = { actor: "root", action: "mountedCreate", requestId: "request" };
const nothing = () => async () => {};

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  signer = openSecretSealer(backend.env.POSTHORN_SIGNER_TARGET ?? "", () => {});
  webhooks = openWebhooks(backend.database.db);
  make = webhookMaker({ webhooks, sealer: signer, urlProblem: async () => undefined, chance });
  replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value),
    onReset: () => values.clear(),
    onTrouble: () => {},
  });
});

beforeEach(async () => {
  const parsed = parseOrgId((await createTenant(api.call)).org);
  if (parsed === undefined) throw new Error("no id");
  org = parsed;
});

afterAll(async () => {
  replica[Symbol.dispose]();
  signer[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

async function makeOne(terms: Partial<WebhookTerms>, secret?: string) {
  const input = { ...WEBHOOK, ...(secret === undefined ? {} : { secret }) };
  const order = { orgId: org, input, terms: { externalId: undefined, secret: "shown-once", ...terms } } as const;
  const made = await make(order, BY, nothing);
  if (made.kind !== "created") throw new Error(made.kind);
  return made;
}

/** What the data plane holds once it has everything that was answered before the call. */
async function configOf(webhook: string) {
  // The answer to any change waits until all that was saved before is in effect.
  await api.call(createWebhookRoute, { path: { org }, body: WEBHOOK });
  await replica.barrier();
  return values.get(`webhook.${org}.${webhook}`);
}

describe("a webhook whose receiver knows no secret", () => {
  it("is signed all the same, and says that it has none until it is given one", async () => {
    const { webhook } = await makeOne({ secret: "internal" });
    expect(webhook.hasSecret).toBe(false);
    expect(await configOf(webhook.id)).toMatchObject({
      entry: { hasSecret: false, secrets: [{ ciphertext: expect.any(Uint8Array) }] },
    });
    const path = { org, webhook: webhook.id };
    expect((await api.call(getWebhookRoute, { path })).body.has_secret).toBe(false);
    const rotate = secretRotator({ webhooks, sealer: signer, chance });
    const owner = { orgId: org, webhookId: webhook.id };
    expect((await rotate(owner, { overlap_s: 0 }, BY, nothing)).kind).toBe("rotated");
    expect(await configOf(webhook.id)).toMatchObject({ entry: { hasSecret: true } });
  });

  it("keeps the first one that it is given beside another that is given at the same time", async () => {
    const { webhook } = await makeOne({ secret: "internal" });
    const owner = { orgId: org, webhookId: webhook.id };
    // Both have read the webhook before either has written.
    const rotate = secretRotator({ webhooks: { ...webhooks, get: async () => webhook }, sealer: signer, chance });
    expect((await rotate(owner, {}, BY, nothing)).kind).toBe("rotated");
    expect((await rotate(owner, {}, BY, nothing)).kind).toBe("rotated");
    const secrets = [{ signsUntilMs: undefined }, { signsUntilMs: expect.any(Number) }];
    expect(await configOf(webhook.id)).toMatchObject({ entry: { secrets } });
  });
});

describe("a secret", () => {
  it("of one character is taken where a mount allows it", async () => {
    const { secret, webhook } = await makeOne({}, "x");
    expect(secret).toBe("x");
    expect(webhook.hasSecret).toBe(true);
  });

  it("that is readable is told again, the newest one, and no other is", async () => {
    const reveal = secretRevealer({ webhooks, sealer: signer });
    const { webhook, secret } = await makeOne({ secret: "readable" });
    const owner = { orgId: org, webhookId: webhook.id };
    expect(await reveal(owner)).toEqual({ kind: "revealed", secret });
    const rotated = await secretRotator({ webhooks, sealer: signer, chance })(owner, {}, BY, nothing);
    expect(await reveal(owner)).toMatchObject({ kind: "revealed", secret: "secret" in rotated && rotated.secret });
    for (const secret of ["shown-once", "internal"] as const) {
      const other = await makeOne({ secret });
      expect(await reveal({ orgId: org, webhookId: other.webhook.id })).toEqual({ kind: "unknown" });
    }
    const stranger = parseOrgId((await createTenant(api.call)).org) ?? org;
    expect(await reveal({ ...owner, orgId: stranger })).toEqual({ kind: "unknown" });
    await webhookRemover({ webhooks, chance })(owner, BY);
    expect(await reveal(owner)).toEqual({ kind: "unknown" });
  });
});

describe("an id of its creator's own", () => {
  it("finds the webhook, is unique in its organisation, and is free again after a deletion", async () => {
    const { webhook } = await makeOne({ externalId: "my-hook" });
    expect(await webhooks.getByExternalId(org, "my-hook")).toMatchObject({ id: webhook.id, externalId: "my-hook" });
    const order = { orgId: org, input: WEBHOOK, terms: { externalId: "my-hook", secret: "readable" } } as const;
    expect(await make(order, BY, nothing)).toEqual({ kind: "external-id-taken" });
    const stranger = parseOrgId((await createTenant(api.call)).org) ?? org;
    expect(await webhooks.getByExternalId(stranger, "my-hook")).toBeUndefined();
    expect((await make({ ...order, orgId: stranger }, BY, nothing)).kind).toBe("created");
    await webhookRemover({ webhooks, chance })({ orgId: org, webhookId: webhook.id }, BY);
    expect(await webhooks.getByExternalId(org, "my-hook")).toBeUndefined();
    expect((await make(order, BY, nothing)).kind).toBe("created");
  });
});

describe("the engine", () => {
  const nowMs = Date.now();
  it("takes out of service what it has judged, and nothing that was changed since", async () => {
    const { webhook } = await makeOne({});
    const path = { org, webhook: webhook.id };
    await api.call(updateWebhookRoute, { path, body: { description: "changed" } });
    const disable = (version: number) =>
      webhooks.disable(org, webhook.id, { version, reason: "gone", nowMs }, async () => {});
    expect(await disable(1)).toBe(false);
    expect((await api.call(getWebhookRoute, { path })).body).toMatchObject({ is_active: true, disabled_reason: null });
    expect(await disable(2)).toBe(true);
    expect((await api.call(getWebhookRoute, { path })).body).toMatchObject({
      is_active: false,
      disabled_reason: "gone",
    });
    expect(await configOf(webhook.id)).toMatchObject({ version: 3, entry: { disabledByEngine: true } });
    expect(await disable(2)).toBe(false);
  });
});

it("what goes alongside is saved with a change or undoes it", async () => {
  const input = { ...WEBHOOK, description: "undone" };
  const order = { orgId: org, input, terms: { externalId: undefined, secret: "shown-once" } } as const;
  const failing = () => async () => {
    throw new Error("no");
  };
  await expect(make(order, BY, failing)).rejects.toThrow("no");
  expect((await webhooks.list(org, { limit: 10 })).rows).toEqual([]);
});
