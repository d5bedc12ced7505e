/** Idempotency-Keys: however often a creation is repeated, and wherever it died, one thing is made. */

import { waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  clientOf,
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { CLAIM_MS_MAX, IDEMPOTENCY_KEY_KEPT_MS } from "./core/idempotency-key.ts";
import { EVERY_ROUTE, WEBHOOK } from "./every-route.fixture.ts";
import { openIdempotencyKeys } from "./io/idempotency-keys.ts";
import { startProcess, type TestProcess } from "./process.fixture.ts";
import { createApiKeyRoute } from "./schemas/api-key.ts";
import { createWebhookRoute, listWebhooksRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let processes: TestProcess[];

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
  processes = [];
});

afterEach(async () => {
  for (const child of processes) await child[Symbol.asyncDispose]();
});

const withKey = (key: string) => ({ "idempotency-key": key });

/** Creates a webhook under a key, through any api. */
function create(key: string, { call = api.call, body = WEBHOOK as object, org = tenant.org } = {}) {
  return call(createWebhookRoute, { path: { org }, body, headers: withKey(key) });
}

async function webhooksMade(): Promise<readonly string[]> {
  const { items } = (await api.call(listWebhooksRoute, { path: { org: tenant.org } })).body;
  return items.map(({ id }) => id);
}

describe.each(EVERY_ROUTE.filter(({ route }) => route.creates !== undefined))("$name", ({ route, body }) => {
  it("answers a repetition with what the first one made, without its secrets", async () => {
    const path = { org: tenant.org, webhook: (await create("for-the-path")).body.id };
    const options = { path, body, headers: withKey("twice") };
    const first = await api.call(route, options);
    const second = await api.call(route, options);
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([route.success.status, null]);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.status).toBe(first.status);
    const expected: Record<string, unknown> = JSON.parse(first.text);
    for (const member of route.creates?.shownOnce ?? []) {
      expect(expected[member]).toEqual(expect.any(String));
      delete expected[member];
    }
    expect(JSON.parse(second.text)).toEqual(expected);
  });

  it("makes a new thing each time when there is no key", async () => {
    const path = { org: tenant.org, webhook: (await create("for-the-path")).body.id };
    const [first, second] = [await api.call(route, { path, body }), await api.call(route, { path, body })];
    expect(first.status).toBe(route.success.status);
    expect(second.text).not.toBe(first.text);
  });
});

describe("a key", () => {
  it("makes one thing, however it is written, and however often it comes at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => create(index % 2 === 0 ? "at-once" : '"at-once"')),
    );
    const made = await webhooksMade();
    expect(made).toHaveLength(1);
    for (const { status, text } of answers) {
      if (status === 201) expect(JSON.parse(text).id).toBe(made[0]);
      else expect({ status, type: JSON.parse(text).type }).toEqual({ status: 409, type: "idempotency-key-busy" });
    }
    expect(answers.filter(({ text }) => text.includes('"secret"'))).toHaveLength(1);
    expect((await create("at-once")).body.id).toBe(made[0]);
  });

  it("stands for one request: another body is refused, and nothing is made", async () => {
    await create("reused");
    const { problem } = await create("reused", { body: { ...WEBHOOK, description: "Another" } });
    expect(problem).toMatchObject({
      status: 422,
      type: "idempotency-key-reused",
      errors: [{ path: "/Idempotency-Key", message: "was used with another path or body" }],
    });
    expect(await webhooksMade()).toHaveLength(1);
  });

  it("is the organisation's and the operation's own", async () => {
    const stranger = await createTenant(api.call);
    const here = await create("shared");
    const there = await create("shared", { org: stranger.org });
    expect(there.body.id).not.toBe(here.body.id);
    const body = { name: "x", scope: "ci" };
    const other = await api.call(createApiKeyRoute, {
      path: { org: tenant.org },
      body,
      headers: withKey("shared"),
    });
    expect(other.body.key).toMatch(/^ph_sk_/);
  });

  it("may be used again after a refusal, of which nothing came", async () => {
    expect((await create("refused", { body: { ...WEBHOOK, url: "ftp://x" } })).status).toBe(422);
    expect((await create("refused", { body: { ...WEBHOOK, url: "http://10.0.0.1/" } })).status).toBe(422);
    expect((await create("refused")).body.secret).toMatch(/^whsec_/);
  });

  it.each(["", "a b", '"a', "x".repeat(256)])("cannot be %j", async (key) => {
    const { problem } = await create(key);
    expect(problem).toMatchObject({
      status: 422,
      errors: [{ path: "/Idempotency-Key", message: "must be 1 to 255 visible ASCII characters" }],
    });
  });

  it("keeps no secret", async () => {
    const { secret } = (await create("canary")).body;
    const { rows } = await backend.database.pool.query("select idempotency_keys::text as row from idempotency_keys");
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) {
      expect(row).not.toContain(secret);
      expect(row).not.toContain("ph_sk_");
    }
  });

  it("is forgotten after a day", async () => {
    await create("old");
    await create("young");
    await age("old", IDEMPOTENCY_KEY_KEPT_MS + 1_000);
    await age("young", IDEMPOTENCY_KEY_KEPT_MS - 60_000);
    expect((await create("old")).headers.get("idempotency-replayed")).toBeNull();
    expect((await create("young")).headers.get("idempotency-replayed")).toBe("true");
    await age("old", IDEMPOTENCY_KEY_KEPT_MS + 1_000);
    await openIdempotencyKeys(backend.database.db).purge(Date.now());
    const left = await backend.database.db
      .selectFrom("idempotency_keys")
      .select("idempotency_key")
      .where("org_id", "=", tenant.org)
      .execute();
    expect(left).toEqual([{ idempotency_key: "young" }]);
  });
});

describe("a request that dies or hangs", () => {
  it("holds its key until it has ended", async () => {
    const unlock = await lockInserts();
    const first = create("slow");
    await claimed("slow");
    const { problem, headers } = await create("slow");
    expect(problem).toMatchObject({ status: 409, type: "idempotency-key-busy" });
    expect(headers.get("retry-after")).toBe("1");
    await unlock();
    expect((await first).body.id).toBe((await create("slow")).body.id);
  });

  it("cannot save any more once its key has been taken for lapsed", async () => {
    const unlock = await lockInserts();
    const first = create("lapsed");
    await claimed("lapsed");
    await age("lapsed", CLAIM_MS_MAX + 1_000);
    const second = create("lapsed");
    await claimed("lapsed");
    await unlock();
    const statuses = [(await first).status, (await second).status];
    expect(statuses).toEqual([409, 201]);
    expect(await webhooksMade()).toEqual([(await second).body.id]);
  });

  it("made nothing when it was killed before it was saved; its key lapses", async () => {
    const child = await startApiProcess();
    const unlock = await lockInserts();
    const cutOff = create("killed", { call: child.call }).catch(() => "cut off");
    await claimed("killed");
    await child.ended("SIGKILL");
    await unlock();
    expect(await cutOff).toBe("cut off");
    expect((await create("killed")).problem).toMatchObject({ status: 409, type: "idempotency-key-busy" });
    await age("killed", CLAIM_MS_MAX + 1_000);
    const repeated = await create("killed");
    expect(repeated.headers.get("idempotency-replayed")).toBeNull();
    expect(await webhooksMade()).toEqual([repeated.body.id]);
  });

  it("is answered for by another api when it was killed after it was saved", async () => {
    const child = await startApiProcess();
    await backend.nats.server.kill("SIGSTOP");
    const cutOff = create("saved", { call: child.call }).catch(() => "cut off");
    await waitUntil(async () => (await stateOf("saved")) === "done", { describe: "the webhook to be saved" });
    await child.ended("SIGKILL");
    await backend.nats.server.kill("SIGCONT");
    expect(await cutOff).toBe("cut off");
    await waitUntil(async () => (await create("saved")).status === 201, { describe: "changes to work" });
    const repeated = await create("saved");
    expect(repeated.headers.get("idempotency-replayed")).toBe("true");
    expect(repeated.text).not.toContain('"secret"');
    expect(await webhooksMade()).toEqual([JSON.parse(repeated.text).id]);
  });
});

async function startApiProcess() {
  const child = startProcess("api", { ...backend.env, POSTHORN_LOG_LEVEL: "info" });
  processes.push(child);
  const call = clientOf(`http://127.0.0.1:${await child.printed("http_port")}`);
  await call(listWebhooksRoute, { path: { org: tenant.org } });
  return { ...child, call };
}

/** Nothing can be saved until the returned function is called; reading goes on. */
async function lockInserts(): Promise<() => Promise<void>> {
  const client = await backend.database.pool.connect();
  await client.query("begin");
  await client.query("lock table webhooks in share mode");
  return async () => {
    await client.query("commit");
    client.release();
  };
}

const rowOf = (key: string) => ({ org_id: tenant.org, operation: "createWebhook", idempotency_key: key });

async function stateOf(key: string): Promise<string | undefined> {
  const row = await backend.database.db
    .selectFrom("idempotency_keys")
    .select("state")
    .where((where) => where.and(rowOf(key)))
    .where("created_at", ">", new Date(Date.now() - CLAIM_MS_MAX))
    .executeTakeFirst();
  return row?.state;
}

async function claimed(key: string): Promise<void> {
  await waitUntil(async () => (await stateOf(key)) === "running", { describe: `a claim on ${key}` });
}

async function age(key: string, byMs: number): Promise<void> {
  await backend.database.pool.query(
    `update idempotency_keys set created_at = created_at - $1 * interval '1 ms'
     where org_id = $2 and operation = 'createWebhook' and idempotency_key = $3`,
    [byMs, tenant.org, key],
  );
}
