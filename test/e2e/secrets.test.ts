/**
 * Sows secrets of every kind, has them used in every way, and looks for them in everything that is stored, logged,
 * traced, sent over the bus or answered. Each search first finds something that it has to find.
 */

import { randomBytes } from "node:crypto";
import { openDatabase } from "@posthorn/database";
import { BusConnection } from "@posthorn/message-bus";
import { type OtlpCollector, type Receiver, startOtlpCollector, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";
import { type Canary, canaryOf, filesBelow, findCanaries } from "./canaries.ts";
import { type Answer, echo, mistakenOrders, type RecordedCall, recordAnswers } from "./secret-traffic.ts";

type Made = { readonly id: string; readonly secret: string };

const newCanary = (kind: string) => `canary-${kind}-${randomBytes(12).toString("hex")}`;
const GIVEN = newCanary("given");
const ROTATED = newCanary("rotated");
const TOKEN = newCanary("token");
const HEADER = newCanary("header");
const QUERY = newCanary("query");
const REFUSED = newCanary("refused");
/** No secret at all: what a search has to find where it should look. */
const VISIBLE = newCanary("visible");

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
let collector: OtlpCollector;
const owned = new AsyncDisposableStack();
/** Everything that api and ingest answered. */
const answers: Answer[] = [];
let call: RecordedCall;
const messages: { readonly subject: string; readonly data: Uint8Array }[] = [];
const canaries: Canary[] = [];
const visible = canaryOf("visible", VISIBLE);
/** Shown in the answers to these requests, and in no other. */
const shownIn = new Map<string, string>();

beforeAll(async () => {
  collector = owned.use(await startOtlpCollector());
  stack = await startTestStack({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      POSTHORN_LOG_LEVEL: "trace",
    },
  });
  const bus = owned.use(await BusConnection.open({ servers: stack.stack.natsUrl, name: "secrets-test" }));
  bus.nats.subscribe(">", {
    callback: (_, { subject, data }) => {
      // Copies of what was published before: answers of the server to its readers.
      if (!subject.startsWith("_INBOX.")) messages.push({ subject, data });
    },
  });
  await bus.nats.flush();
  tenant = await createTenant(stack, "secrets");
  call = recordAnswers(stack.stack, tenant.key, answers);
  receiver = owned.use(await startReceiver({ script: (request) => echo(request.path, request.rawHeaders) }));
  for (const [name, secret] of Object.entries({ GIVEN, ROTATED, TOKEN, HEADER, QUERY, REFUSED, KEY: tenant.key })) {
    canaries.push(canaryOf(name, secret));
  }
  canaries.push(canaryOf("ADMIN_KEY", stack.stack.adminKey));
  await useSecrets();
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await owned.disposeAsync();
});

const root = () => `/v1/orgs/${tenant.orgId}`;

/** @returns the webhook; its secret, if it was generated, is a canary from now on. */
async function subscribe(name: string, webhook: Readonly<Record<string, unknown>>): Promise<Made> {
  const settings = { events: ["secret.*"], retry_schedule_s: [1], description: VISIBLE, ...webhook };
  const headers = { "idempotency-key": `make-${name}` };
  const made = expectAnswer<Made>(await call("POST", `${root()}/webhooks`, settings, headers), 201);
  expectShownOnce(name, made.secret);
  expectAnswer(await call("POST", `${root()}/webhooks`, settings, headers), 201);
  return made;
}

/** The last answer is the one that may show it. */
function expectShownOnce(name: string, secret: string): void {
  const known = findCanaries(secret, canaries)[0];
  if (known === undefined) canaries.push(canaryOf(name, secret));
  shownIn.set(known ?? name, `${answers.length - 1}: ${answers.at(-1)?.to}`);
}

/** The one kind of webhook whose secret may be asked for again. */
async function tellReadable(url: string): Promise<void> {
  const webhooks = "/compat/nextmv/v1/webhooks";
  const order = { id: "told", endpoint_url: url, event_types: ["run.status"] };
  expectAnswer(await call("POST", webhooks, order), 201);
  const { secret } = expectAnswer<{ secret: string }>(await call("GET", `${webhooks}/told/secret`), 200);
  expectShownOnce("readable", secret);
  expectAnswer(await call("POST", `${webhooks}/told/trigger`, {}), 200);
}

async function rotate(name: string, id: string, secret: string | null): Promise<void> {
  const body = { secret, overlap_s: 600 };
  const headers = { "idempotency-key": `rotate-${id}` };
  const path = `${root()}/webhooks/${id}/rotate-secret`;
  expectShownOnce(name, expectAnswer<Made>(await call("POST", path, body, headers), 200).secret);
  expectAnswer(await call("POST", path, body, headers), 200);
}

/** Every kind of secret: created, sent, failed with, rotated, tested, replayed, listed and refused. */
async function useSecrets(): Promise<void> {
  const url = `${receiver.url}/hook?access_token=${QUERY}&b=${QUERY}`;
  const given = await subscribe("given", { url, secret: GIVEN, headers: { "X-Api-Token": HEADER } });
  const failing = await subscribe("failing", { url: `${receiver.url}/fails?t=${QUERY}`, profile: "mutx" });
  const nobody = await subscribe("nobody", {
    url: `http://127.0.0.1:9/?t=${QUERY}`,
    headers: { "X-T": `Bearer ${HEADER}` },
  });
  const options = { token: TOKEN, event_type_prefix: "p." };
  const github = await subscribe("github", { url, profile: "github-dispatch", profile_options: options });
  const asymmetric = await subscribe("asymmetric", { url, signing: "ed25519" });
  await tellReadable(url);
  const made = [given, failing, nobody, github, asymmetric];
  await publishTo(made, "secret.before");
  await rotate("generated at a rotation", failing.id, null);
  await rotate("given at a rotation", given.id, ROTATED);
  await call("PATCH", `${root()}/webhooks/${given.id}`, { headers: { "X-Api-Token": HEADER, "X-More": HEADER } });
  await call("PATCH", `${root()}/webhooks/${github.id}`, { profile_options: options });
  for (const { id } of made) await call("POST", `${root()}/webhooks/${id}/test`, { data: { n: 1 } });
  await publishTo(made, "secret.after");
  const since = new Date(Date.now() - 60_000).toISOString();
  const replay = await call("POST", `${root()}/webhooks/${given.id}/replay`, { since });
  await waitUntil(
    async () => {
      const answer = await call("GET", `${root()}/replays/${(replay.body as { id: string }).id}`);
      return (answer.body as { state: string }).state === "finished";
    },
    { timeoutMs: 20_000, everyMs: 200, describe: "the replay to finish" },
  );
  await makeMistakes(given.id);
  await readEverything(made, failing);
}

/** Returns when each of the webhooks has an attempt of it, and the failing ones two. */
async function publishTo(webhooks: readonly Made[], type: string): Promise<void> {
  const { id } = expectAnswer<{ id: string }>(await call("POST", `${root()}/events`, { type, data: { n: 1 } }), 202);
  await waitUntil(
    async () => {
      const answer = await tenant.api("GET", `${root()}/events/${id}`);
      const { deliveries } = expectAnswer<{ deliveries: { status: string }[] }>(answer, 200);
      const ended = deliveries.filter(({ status }) => ["delivered", "exhausted"].includes(status));
      return ended.length === webhooks.length;
    },
    { timeoutMs: 20_000, everyMs: 100, describe: `all deliveries of ${type} to end` },
  );
}

/** Requests with secrets in all the wrong places: no refusal may repeat one. */
async function makeMistakes(webhookId: string): Promise<void> {
  for (const body of mistakenOrders(`${receiver.url}/hook`, REFUSED)) {
    expect((await call("POST", `${root()}/webhooks`, body)).status).toBeGreaterThanOrEqual(400);
    await call("PATCH", `${root()}/webhooks/${webhookId}`, body);
  }
  await call("POST", `${root()}/webhooks/${webhookId}/rotate-secret`, { secret: `${REFUSED}\u00e9` });
  await call("GET", `${root()}/webhooks`, undefined, { authorization: `Bearer ${REFUSED}` });
  await call("POST", `${root()}/events`, { type: "a", data: 1 }, { authorization: `Bearer ${REFUSED}` });
}

/** Every list and every single thing that can be read, the compatible mounts included. */
async function readEverything(webhooks: readonly Made[], mutx: Made): Promise<void> {
  const lists = ["api-keys", "webhooks", "deliveries", "events", "event-types", "replays", "audit"];
  const paths = lists.map((list) => `${root()}/${list}?limit=500`);
  paths.push("/v1/orgs", root(), "/v1/openapi.json", "/compat/mutx/v1/webhooks/", "/compat/nextmv/v1/webhooks");
  paths.push("/compat/nextmv/v1/webhooks/told", "/compat/nextmv/v1/webhooks/told/conversations");
  paths.push(`/compat/znyx${root()}/webhooks`, `/compat/mutx/v1/webhooks/${mutx.id}/deliveries`);
  for (const { id } of webhooks) {
    paths.push(`${root()}/webhooks/${id}/deliveries?limit=500`);
  }
  for (const path of paths) expect({ path, status: (await call("GET", path)).status }).toEqual({ path, status: 200 });
  const { items } = expectAnswer<{ items: { id: string; event_id: string }[] }>(
    await call("GET", `${root()}/deliveries?limit=500`),
    200,
  );
  for (const { id, event_id } of items) {
    for (const path of [
      `deliveries/${id}`,
      `deliveries/${id}/log`,
      `events/${event_id}`,
      `events/${event_id}/explain`,
    ]) {
      expect((await call("GET", `${root()}/${path}`)).status).toBe(200);
    }
  }
  await call("POST", `${root()}/webhooks/explain`, { type: "secret.one" });
  for (const { httpPort } of stack.stack.instances) {
    const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    answers.push({ to: "GET /metrics", text });
  }
}

it("shows a secret in the answer that made it, and in no other", () => {
  const secrets = canaries.filter(({ name }) => !["QUERY", "KEY", "ADMIN_KEY"].includes(name));
  const found = answers.flatMap(({ to, text }, index) =>
    findCanaries(text, secrets).map((name) => [name, `${index}: ${to}`] as const),
  );
  expect(found.toSorted()).toEqual([...shownIn].toSorted());
  expect(shownIn.size).toBe(8);
});

it("shows the query of a URL only to those who ask for the one webhook, or have just written it", () => {
  const [query, ...keys] = canaries.filter(({ name }) => ["QUERY", "KEY", "ADMIN_KEY"].includes(name));
  if (query === undefined) throw new Error("there is a canary in the query");
  const shown = answers.filter(({ text }) => findCanaries(text, [query]).length > 0).map(({ to }) => to);
  expect(shown.length).toBeGreaterThan(0);
  const own = ["POST /webhooks", "PATCH /webhooks/:id", "POST /webhooks/:id/rotate-secret"];
  const mounted = ["POST /compat/nextmv/v1/webhooks", "GET /compat/nextmv/v1/webhooks/told"];
  const routes = shown.map((to) => to.replace(root(), "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, ":id"));
  expect([...new Set(routes)].sort()).toEqual([...own, ...mounted].sort());
  expect(answers.filter(({ text }) => findCanaries(text, keys).length > 0)).toEqual([]);
});

it("keeps them out of every column of every table, but for the URL itself", async () => {
  await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
  const { rows: columns } = await database.pool.query<{ table: string; column: string }>(
    `select table_schema || '.' || quote_ident(table_name) as table, quote_ident(column_name) as column
     from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  let cells = 0;
  for (const { table, column } of columns) {
    const text = `case when pg_typeof(${column}) = 'bytea'::regtype then null else ${column}::text end`;
    const bytes = `case when pg_typeof(${column}) = 'bytea'::regtype then ${column}::text end`;
    const { rows } = await database.pool.query<{ text: string | null; bytes: string | null }>(
      `select ${text} as text, ${bytes} as bytes from ${table}`,
    );
    for (const row of rows) {
      cells += 1;
      const hay = row.bytes === null ? (row.text ?? "") : Buffer.from(row.bytes.slice(2), "hex");
      found.push(...findCanaries(hay, [...canaries, visible]).map((name) => `${name} in ${table}.${column}`));
    }
  }
  expect(cells).toBeGreaterThan(1_000);
  // An answer is kept for its repetition, without its secret.
  const repeated = ["QUERY in public.idempotency_keys.body", "visible in public.idempotency_keys.body"];
  const expected = [...repeated, "QUERY in public.webhooks.url", "visible in public.webhooks.description"].sort();
  expect([...new Set(found)].sort()).toEqual(expected);
});

it("keeps them out of every message of the bus, but for the URL in the configuration", () => {
  const found = messages.flatMap(({ subject, data }) =>
    findCanaries(data, canaries).map((name) => `${name} in ${subject.split(".").slice(0, 3).join(".")}`),
  );
  for (const prefix of ["ingest.", "deliver.", "retry.", "log.", "$KV.config.webhook."]) {
    expect({ prefix, seen: messages.some(({ subject }) => subject.startsWith(prefix)) }).toEqual({
      prefix,
      seen: true,
    });
  }
  expect([...new Set(found)]).toEqual(["QUERY in $KV.config.webhook"]);
});

it("keeps them out of all logs and of the traces", async () => {
  let lines = 0;
  const found: string[] = [];
  for (const { path, bytes } of filesBelow(`${stack.stack.dataDir}/logs`)) {
    lines += bytes.toString().split("\n").length;
    found.push(...findCanaries(bytes, canaries).map((name) => `${name} in ${path}`));
  }
  expect(found).toEqual([]);
  expect(lines).toBeGreaterThan(50);

  const services = () => new Set(collector.spans.map((span) => String(span.resource["service.name"])));
  await waitUntil(() => services().has("posthorn-dispatcher") && services().has("posthorn-api"), { timeoutMs: 10_000 });
  expect(JSON.stringify(collector.spans)).toContain('"posthorn.profile":"github-dispatch"');
  expect(findCanaries(JSON.stringify(collector.spans), canaries)).toEqual([]);
});

it("keeps them off the disk, but for the URL and the root key's own file", () => {
  const found: string[] = [];
  for (const { path, bytes } of filesBelow(stack.stack.dataDir)) {
    const texts = [...canaries, visible].map(({ name, forms }) => ({ name, forms: forms.slice(0, 1) }));
    const relative = path.slice(stack.stack.dataDir.length + 1).split("/")[0] ?? "";
    found.push(...findCanaries(bytes, texts).map((name) => `${name} in ${relative}`));
  }
  const allowed = ["QUERY in nats", "QUERY in postgres", "visible in postgres", "ADMIN_KEY in admin-key"];
  expect([...new Set(found)].filter((one) => !allowed.includes(one))).toEqual([]);
  expect(found).toContain("ADMIN_KEY in admin-key");
});

it("sends receivers what is theirs", () => {
  const values = (name: string) => new Set(receiver.requests.map((request) => request.header(name)));
  expect(values("x-api-token")).toContain(HEADER);
  expect(values("authorization")).toContain(`Bearer ${TOKEN}`);
  expect(receiver.requests.some(({ path }) => path.includes(`access_token=${QUERY}`))).toBe(true);
});
