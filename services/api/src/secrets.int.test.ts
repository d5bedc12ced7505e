/**
 * Canaries: secrets, tokens and values of headers are in the one answer that shows them and nowhere else. Looked
 * through is everything that an api leaves behind: answers, errors, log lines, figures, columns, messages.
 */

import { afterEach, beforeEach, expect, it } from "vitest";
import { type Call, clientOf, createTenant, ROOT_KEY, startTestBackend, type TestBackend } from "./api.fixture.ts";
import { startProcess, type TestProcess } from "./process.fixture.ts";
import { createApiKeyRoute, listApiKeysRoute } from "./schemas/api-key.ts";
import { listOrganisationsRoute } from "./schemas/organisation.ts";
import { testWebhookRoute } from "./schemas/test-webhook.ts";
import {
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  rotateSecretRoute,
  updateWebhookRoute,
} from "./schemas/webhook.ts";

const SECRET = "whsec_Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5";
const ROTATED = "whsec_cm90YXRlZENhbmFyeUNhbmFyeQ==";
const TOKEN = "ghp_tokenCanaryTokenCanary";
const HEADER = "headerCanaryHeaderCanary";
/** A URL goes to the data plane as it is, and is shown whole to those who may change it; elsewhere it is masked. */
const URL_QUERY = "urlCanaryUrlCanary";

const BODY = {
  url: `http://127.0.0.1:9/?token=${URL_QUERY}`,
  events: ["*"],
  profile: "github-dispatch",
  profile_options: { token: TOKEN },
  headers: { "X-Own": HEADER },
};

let backend: TestBackend;
let api: TestProcess;
let url: string;
let call: Call;

beforeEach(async () => {
  backend = await startTestBackend();
  api = startProcess("api", { ...backend.env, POSTHORN_LOG_LEVEL: "trace" });
  url = `http://127.0.0.1:${await api.printed("http_port")}`;
  call = clientOf(url);
});

afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

it("are shown once and left nowhere in clear", async () => {
  const { org, keys } = await createTenant(call);
  const path = { org };
  const given = await call(createWebhookRoute, { path, body: { ...BODY, secret: SECRET } });
  const made = await call(createWebhookRoute, { path, body: BODY });
  const pair = await call(createWebhookRoute, { path, body: { ...BODY, signing: "ed25519" } });
  const webhook = { org, webhook: made.body.id };
  const rotation = { path: webhook, body: { secret: ROTATED }, headers: { "idempotency-key": "once" } };
  const rotated = await call(rotateSecretRoute, rotation);
  expect([given, made, pair, rotated].map(({ body }) => body.secret)).toEqual([
    SECRET,
    expect.stringMatching(/^whsec_/),
    expect.stringMatching(/^whsk_/),
    ROTATED,
  ]);
  // Those answers are the right ones to hold their own secret; of the others they hold nothing.
  const answers = [given, made, pair, rotated].map(({ text, body }) => text.replace(body.secret, ""));
  answers.push(await repeated(`${url}/v1/orgs/${org}/webhooks/${made.body.id}/rotate-secret`, rotation));
  answers.push(...(await answersToChanges(webhook)));
  const others = await otherAnswers(webhook, keys.runtime);
  await call(deleteWebhookRoute, { path: { org, webhook: given.body.id } });
  for (const page of ["metrics", "readyz"]) others.push(await (await fetch(`${url}/${page}`)).text());
  expect(await api.ended("SIGTERM")).toBe(0);
  expect(api.output()).toContain("the configuration was changed");
  const log = await everyMessageOf("LOG");
  expect(log).toContain("rotateSecret");
  const bucket = await everyMessageOf("KV_config");
  expect(bucket).toContain(made.body.id);
  const everything = [...answers, ...others, api.output(), log, bucket, await everyColumn()];
  const texts = everything.join("\n");
  const secrets = [
    SECRET,
    ROTATED,
    TOKEN,
    HEADER,
    made.body.secret,
    pair.body.secret,
    ...Object.values(keys),
    ROOT_KEY,
  ];
  for (const form of secrets.flatMap(spellings)) expect(texts.includes(form), form).toBe(false);
  for (const form of spellings(URL_QUERY)) {
    expect([...others, api.output(), log].join("\n").includes(form), form).toBe(false);
    // Else the search above would find nothing, whatever there is.
    if (form === URL_QUERY) expect(texts.includes(form)).toBe(true);
  }
});

/** Right and wrong ones, by somebody who may see the URL. */
async function answersToChanges(path: { readonly org: string; readonly webhook: string }): Promise<string[]> {
  const update = async (body: object) => (await call(updateWebhookRoute, { path, body })).text;
  return [
    await update({ description: "x", headers: { "X-Own": HEADER } }),
    await update({ headers: { "X-Own": `${HEADER}\n` } }),
    await update({ headers: [HEADER] }),
    await update({ headers: { "X-Own": HEADER, "x-own": HEADER } }),
    await update({ profile_options: { token: `${TOKEN} ` } }),
    await update({ profile: "myop", profile_options: { token: TOKEN } }),
    await update({ secret: SECRET }),
    (await call(rotateSecretRoute, { path, body: { secret: `${ROTATED}\n` } })).text,
  ];
}

/** Of those who may not see the URL, and refusals. */
async function otherAnswers(path: { readonly org: string; readonly webhook: string }, runtimeKey: string) {
  const create = async (options: object) => (await call(createWebhookRoute, { path, ...options })).text;
  return [
    await create({ body: { ...BODY, secret: `${SECRET}\n` } }),
    await create({ body: { ...BODY, secret: [SECRET] } }),
    await create({ body: { ...BODY, url: `ftp://${SECRET}@x/${SECRET}` } }),
    await create({ bytes: `{"secret": "${SECRET}` }),
    await create({ body: SECRET }),
    (await call(createApiKeyRoute, { path, body: { name: "x", scope: SECRET } })).text,
    (await call(testWebhookRoute, { path })).text,
    (await call(listWebhooksRoute, { path })).text,
    (await call(listWebhooksRoute, { path, query: { cursor: SECRET } })).text,
    (await call(listWebhooksRoute, { path, key: SECRET })).text,
    (await call(getWebhookRoute, { path, key: runtimeKey })).text,
    (await call(getWebhookRoute, { path: { ...path, webhook: SECRET } })).text,
    (await call(listApiKeysRoute, { path })).text,
    (await call(listOrganisationsRoute)).text,
  ];
}

/** The answer to the same request once more, which has no secret and hence not the form of a first one. */
async function repeated(at: string, { headers, body }: { readonly headers: object; readonly body: object }) {
  const response = await fetch(at, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", authorization: `Bearer ${ROOT_KEY}` },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return response.text();
}

/** As it is, and as it would look in a dump of bytes. */
function spellings(secret: string): string[] {
  const decoded = Buffer.from(secret.replace(/^wh(sec|sk)_/, ""), "base64");
  return [
    secret,
    Buffer.from(secret).toString("base64").slice(0, -4),
    Buffer.from(secret).toString("hex"),
    decoded.toString("hex"),
    decoded.toString("latin1"),
  ];
}

async function everyColumn(): Promise<string> {
  const { rows: tables } = await backend.database.pool.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  const names = tables.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["webhooks", "api_keys", "idempotency_keys", "config_outbox"]));
  const texts: string[] = [];
  for (const name of names) {
    const { rows } = await backend.database.pool.query<{ row: unknown }>(`select to_jsonb(t) as row from "${name}" t`);
    texts.push(...rows.map(({ row }) => JSON.stringify(row)));
  }
  return texts.join("\n");
}

async function everyMessageOf(stream: string): Promise<string> {
  const { state } = await backend.connection.manager.streams.info(stream);
  const texts: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await backend.connection.manager.streams.getMessage(stream, { seq }).catch(() => null);
    if (message === null) continue;
    texts.push(Buffer.from(message.data).toString("latin1"), Buffer.from(message.data).toString("hex"));
  }
  return texts.join("\n");
}
