/** Replays over REST: promised, found at once, and shown as the projection has them. */

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
import { forgetKeptPromises } from "./io/replays.ts";
import { loggedEvents, partitionOfOrg } from "./log.fixture.ts";
import { getReplayRoute, listReplaysRoute, startReplayRoute } from "./schemas/replay.ts";
import { createWebhookRoute, deleteWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;
let webhook: string;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
  webhook = (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id;
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

const SINCE = "2026-03-24T13:37:00.000Z";
const UNTIL = "2026-03-24T14:37:00.000Z";

const start = async (body: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}) =>
  api.call(startReplayRoute, { path: path({ webhook }), body: { since: SINCE, ...body }, headers });

const get = async (id: string) => (await api.call(getReplayRoute, { path: path({ replay: id }) })).body;

/** As the projector writes it. */
async function project(id: string, changes: { readonly state: "running" | "finished"; readonly done: number }) {
  const [started] = (await loggedEvents(backend, tenant.org, "replay.started")).filter(
    (event) => event.replayId === id,
  );
  if (started === undefined) throw new Error("the log knows of no such replay");
  await backend.database.db
    .insertInto("replays")
    .values({
      id,
      org_id: tenant.org,
      partition: partitionOfOrg(tenant.org),
      webhook_id: started.webhookId,
      since: new Date(started.sinceMs),
      until: new Date(started.untilMs),
      statuses: [...started.statuses],
      types: [...started.types],
      started_by: started.by,
      total: 7,
      skipped: 1,
      cursor: "",
      created_at: new Date(started.atMs),
      finished_at: null,
      ...changes,
    })
    .execute();
}

describe("a replay", () => {
  it("is found at once, before anybody has begun with it", async () => {
    const { body } = await start({ until: UNTIL, status: "exhausted", types: ["agent.*"] });
    const expected = {
      id: expect.any(String),
      webhook_id: webhook,
      state: "running",
      total: null,
      done: 0,
      skipped: 0,
      since: SINCE,
      until: UNTIL,
      status: ["exhausted"],
      types: ["agent.*"],
      started_by: "root",
      created_at: expect.any(String),
      finished_at: null,
    };
    expect(body).toEqual(expected);
    expect(await get(body.id)).toEqual(body);
    expect((await api.call(listReplaysRoute, { path: path() })).body.items).toEqual([body]);
  });

  it("is in the log when it is answered, and audited", async () => {
    const { body } = await start({ status: ["skipped", "cancelled"] });
    expect(await loggedEvents(backend, tenant.org, "replay.started")).toEqual([
      {
        kind: "replay.started",
        orgId: tenant.org,
        atMs: Date.parse(body.created_at),
        replayId: body.id,
        webhookId: webhook,
        sinceMs: Date.parse(SINCE),
        untilMs: Date.parse(body.until),
        statuses: ["skipped", "cancelled"],
        types: [],
        by: "root",
      },
    ]);
    const [audited] = (await loggedEvents(backend, tenant.org, "configuration.changed")).slice(-1);
    expect(audited).toMatchObject({ action: "startReplay", subjectId: body.id, fields: ["since", "status"] });
  });

  it("ends now and takes all that has ended, unless it says otherwise", async () => {
    const { body } = await start();
    expect(body.until).toBe(body.created_at);
    expect(body.status).toEqual(["delivered", "exhausted", "cancelled", "skipped"]);
  });

  it("shows how far it has come", async () => {
    const { id } = (await start()).body;
    await project(id, { state: "running", done: 3 });
    expect(await get(id)).toMatchObject({ state: "running", total: 7, done: 3, skipped: 1 });
    await backend.database.db
      .updateTable("replays")
      .set({ state: "finished", done: 6, finished_at: new Date(Date.parse(UNTIL)) })
      .where("id", "=", id)
      .execute();
    expect(await get(id)).toMatchObject({ state: "finished", done: 6, finished_at: UNTIL });
  });

  it("is one, however often it is asked for under one key", async () => {
    const headers = { "idempotency-key": "replay-1" };
    const [first, second] = [await start({}, headers), await start({}, headers)];
    expect(second.body.id).toBe(first.body.id);
    expect(await loggedEvents(backend, tenant.org, "replay.started")).toHaveLength(1);
  });

  it("is listed in pages, the newest first, promised and projected ones alike", async () => {
    const ids: string[] = [];
    for (const number of [0, 1, 2, 3, 4]) {
      const { id } = (await start()).body;
      if (number % 2 === 0) await project(id, { state: "running", done: number });
      ids.unshift(id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = { limit: "2", ...(cursor === null ? {} : { cursor }) };
      const { body } = await api.call(listReplaysRoute, { path: path(), query });
      seen.push(...body.items.map((item) => item.id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
    const left = await backend.database.db.selectFrom("replay_requests").select("id").where("org_id", "=", tenant.org);
    expect((await left.execute()).length).toBeLessThan(5);
  });

  it("leaves no promise behind once the projection knows of it", async () => {
    const [known, promised] = [(await start()).body.id, (await start()).body.id];
    await project(known, { state: "finished", done: 6 });
    await forgetKeptPromises(backend.database.db);
    const left = await backend.database.db
      .selectFrom("replay_requests")
      .select("id")
      .where("org_id", "=", tenant.org)
      .execute();
    expect(left).toEqual([{ id: promised }]);
  });

  it("is of no other organisation", async () => {
    const { id } = (await start()).body;
    const stranger = await createTenant(api.call);
    const options = { key: stranger.keys.admin };
    const foreign = { path: { org: stranger.org, replay: id }, ...options };
    expect((await api.call(getReplayRoute, foreign)).problem.status).toBe(404);
    expect((await api.call(listReplaysRoute, { path: { org: stranger.org }, ...options })).body.items).toEqual([]);
    const started = { path: { org: stranger.org, webhook }, body: { since: SINCE }, ...options };
    expect((await api.call(startReplayRoute, started)).problem.status).toBe(404);
  });

  it("is not started for a webhook that takes nothing", async () => {
    await backend.database.db
      .updateTable("webhooks")
      .set({ is_active: false, disabled_reason: "failing" })
      .where("id", "=", webhook)
      .execute();
    expect((await start()).problem).toMatchObject({ status: 409, type: expect.stringContaining("webhook-disabled") });
    await api.call(deleteWebhookRoute, { path: path({ webhook }) });
    expect((await start()).problem.status).toBe(404);
  });

  it.each([
    [{ since: undefined }, "/since", "is required"],
    [{ since: "yesterday" }, "/since", 'must be an RFC 3339 date and time such as "2026-03-24T13:37:00Z"'],
    [{ since: UNTIL, until: SINCE }, "/since", "must be before until, and in the past"],
    [{ since: "2999-01-01T00:00:00Z" }, "/since", "must be before until, and in the past"],
    [{ status: "pending" }, "/status", "must be one of delivered, exhausted, cancelled, skipped, or a list of them"],
    [{ status: [] }, "/status", "must be one of delivered, exhausted, cancelled, skipped, or a list of them"],
    [
      { types: ["a..b"] },
      "/types/0",
      "must be tokens joined by single dots, each * or made of letters, digits, _ or -",
    ],
    [{ types: "agent.*" }, "/types", "must be a list of at most 100 event types or patterns"],
  ])("is refused with %j", async (body, at, message) => {
    expect((await start(body)).problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
  });
});

describe("while NATS does not answer", () => {
  it("a replay is promised, not called started, and begins by itself", async () => {
    const headers = { "idempotency-key": "replay-2" };
    await backend.nats.server.kill("SIGSTOP");
    expect((await start({}, headers)).problem).toMatchObject({ status: 503, type: "not-in-effect-yet" });
    const [promised] = (await api.call(listReplaysRoute, { path: path() })).body.items;
    expect(promised).toMatchObject({ webhook_id: webhook, state: "running" });
    expect((await start()).problem).toMatchObject({ status: 503, type: "dependency-down" });
    await backend.nats.server.kill("SIGCONT");
    const logged = () => loggedEvents(backend, tenant.org, "replay.started");
    await expect.poll(logged, { timeout: 15_000 }).toMatchObject([{ replayId: promised?.id }]);
    await expect.poll(async () => (await start({}, headers)).status, { timeout: 15_000 }).toBe(202);
    expect((await start({}, headers)).body.id).toBe(promised?.id);
    expect(await logged()).toHaveLength(1);
  });

  it("a full LOG holds up replays, and no change of the configuration", async () => {
    const { streams } = backend.connection.manager;
    const { config } = await streams.info("LOG");
    await streams.update("LOG", { ...config, max_bytes: 1 });
    expect((await start()).problem).toMatchObject({ status: 503, type: "not-in-effect-yet" });
    expect((await start()).problem).toMatchObject({ status: 503, type: "dependency-down" });
    expect((await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).status).toBe(201);
    await streams.update("LOG", config);
    await expect.poll(() => loggedEvents(backend, tenant.org, "replay.started"), { timeout: 15_000 }).toHaveLength(1);
    await expect.poll(async () => (await start()).status, { timeout: 15_000 }).toBe(202);
  });
});
