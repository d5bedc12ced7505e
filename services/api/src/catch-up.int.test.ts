/** Events in the order of acceptance: complete, in pages, and honest about what is lost. */

import { randomBytes } from "node:crypto";
import { type AcceptedEvent, parseWebhookId, uuidv7 } from "@posthorn/domain";
import { INGEST_AGE_MS_MAX } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { encodeCatchUpCursor } from "./core/catch-up-cursor.ts";
import { type StoredEvent, storeEvents } from "./history.fixture.ts";
import { partitionOfOrg, projectAll, type StandInMatcher, startStandInMatcher } from "./log.fixture.ts";
import { deletePayloadRoute, listEventsRoute } from "./schemas/event.ts";

let backend: TestBackend;
let api: TestApi;
let matcher: StandInMatcher;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  matcher = await startStandInMatcher(backend);
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  matcher[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

type Changes = Partial<AcceptedEvent>;

/** Each list is one message. They are matched and projected. */
async function publish(...groups: readonly (readonly Changes[])[]): Promise<StoredEvent[]> {
  const stored = await accept(...groups);
  await matcher.workOff(groups.length);
  await projectAll(backend, partitionOfOrg(tenant.org));
  return stored;
}

async function accept(...groups: readonly (readonly Changes[])[]): Promise<StoredEvent[]> {
  const stored: StoredEvent[] = [];
  for (const group of groups) {
    const events = group.map((changes) => ({ data: Buffer.from("{}"), ...changes }));
    stored.push(...(await storeEvents(backend, tenant.org, events)));
  }
  return stored;
}

const list = (query: Readonly<Record<string, string>> = {}) =>
  api.call(listEventsRoute, { path: { org: tenant.org }, query });

async function page(query: Readonly<Record<string, string>> = {}) {
  const { body } = await list(query);
  return { ids: body.items.map((item) => item.id), after: body.next_cursor };
}

const idsOf = (stored: readonly StoredEvent[]) => stored.map(({ event }) => event.id);

describe("a receiver that was away", () => {
  it("gets events as they were published", async () => {
    const data = '{ "big": 123456789012345678901234567890, "b":1,"a":2 }';
    const [stored] = await publish([{ data: Buffer.from(data), timestamp: "2026-03-24T14:37:00+01:00" }]);
    const { body, text } = await list();
    expect(text).toContain(`"data":${data},`);
    const { data: _, ...facts } = body.items[0] ?? {};
    expect(facts).toEqual({
      id: stored?.event.id,
      type: "agent.status",
      timestamp: "2026-03-24T14:37:00+01:00",
      accepted_at: new Date(stored?.event.acceptedAtMs ?? 0).toISOString(),
      data_gone: null,
    });
  });

  it("turns pages in the order of acceptance, within messages too, whatever the clocks said", async () => {
    const nowMs = Date.now();
    const stored = await publish(
      [{}, { acceptedAtMs: nowMs - 9_000 }, {}],
      [{ acceptedAtMs: nowMs - 5_000 }],
      [{}, {}],
    );
    const seen: string[] = [];
    let query: Record<string, string> = { limit: "2" };
    for (;;) {
      const { ids, after } = await page(query);
      if (ids.length === 0) break;
      seen.push(...ids);
      query = { limit: "2", after };
    }
    expect(seen).toEqual(idsOf(stored));
  });

  it("comes back later with the cursor of an empty page", async () => {
    const first = await page();
    expect(first.ids).toEqual([]);
    const stored = await publish([{}]);
    const second = await page({ after: first.after });
    expect(second.ids).toEqual(idsOf(stored));
    expect((await page({ after: second.after })).ids).toEqual([]);
  });

  it("can go on from an event that it knows", async () => {
    const [first, second] = await publish([{}, {}]);
    expect((await page({ after: first?.event.id ?? "" })).ids).toEqual([second?.event.id]);
  });

  it("sees no event before those that were accepted earlier have been matched", async () => {
    const first = await accept([{}]);
    const acknowledge = await matcher.hold();
    const second = await accept([{}]);
    await matcher.workOff(1);
    await projectAll(backend, partitionOfOrg(tenant.org));
    const waiting = await page();
    expect(waiting.ids).toEqual([]);
    acknowledge();
    await expect
      .poll(async () => (await page({ after: waiting.after })).ids, { timeout: 10_000 })
      .toEqual(idsOf([...first, ...second]));
  });

  it("sees no event before the projection has come as far as the log was then", async () => {
    const before = await publish([{}]);
    expect((await page()).ids).toEqual(idsOf(before));
    await accept([{}]);
    const partition = partitionOfOrg(tenant.org);
    await matcher.workOff(1);
    await backend.publisher.publish({ subject: `log.${partition}`, payload: Buffer.from(""), id: undefined });
    const waiting = await page();
    expect(waiting.ids).toEqual(idsOf(before));
    await projectAll(backend, partition);
    expect((await page({ after: waiting.after })).ids).toHaveLength(1);
  });

  it("chooses by type", async () => {
    const types = ["agent.status", "agent.run.done", "deployment.done", "posthorn.webhook.disabled"];
    await publish(types.map((type) => ({ type })));
    const typesOf = async (wanted: string) => (await list({ types: wanted })).body.items.map((item) => item.type);
    expect(await typesOf("*")).toEqual(types.slice(0, 3));
    expect((await list()).body.items).toHaveLength(3);
    expect(await typesOf("agent.*")).toEqual(["agent.status", "agent.run.done"]);
    expect(await typesOf("*.done,agent.status")).toEqual(["agent.status", "deployment.done"]);
    expect(await typesOf("posthorn.*")).toEqual(["posthorn.webhook.disabled"]);
  });

  it("gets neither test events nor those of others", async () => {
    const forWebhook = parseWebhookId("01890a5d-ac96-774b-bcce-b302099a8057");
    const [, kept] = await publish([{ forWebhook }, {}, { forWebhook }]);
    expect((await page({ limit: "1" })).ids).toEqual([kept?.event.id]);
    const stranger = await createTenant(api.call);
    const { body, text } = await api.call(listEventsRoute, { path: { org: stranger.org }, key: stranger.keys.runtime });
    expect(body.items).toEqual([]);
    expect(text).not.toContain(kept?.event.id);
  });

  it("is told of what was deleted, and not what it was", async () => {
    const [deleted, kept] = await publish([{ data: Buffer.from('"canary"') }, {}]);
    await api.call(deletePayloadRoute, { path: { org: tenant.org, event: deleted?.event.id ?? "" } });
    await projectAll(backend, partitionOfOrg(tenant.org));
    const { body, text } = await list();
    expect(text).not.toContain("canary");
    expect(body.items).toMatchObject([
      { id: deleted?.event.id, data: null, data_gone: "deleted" },
      { id: kept?.event.id, data: {}, data_gone: null },
    ]);
  });

  it("gets large events in small pages", async () => {
    const data = Buffer.from(`"${"x".repeat(250_000)}"`);
    const stored = await publish(...Array.from({ length: 10 }, () => [{ data }, { data }]));
    const first = await page({ limit: "500" });
    expect(first.ids.length).toBeGreaterThan(10);
    expect(first.ids.length).toBeLessThan(20);
    const second = await page({ limit: "500", after: first.after });
    expect([...first.ids, ...second.ids]).toEqual(idsOf(stored));
  });
});

describe("what is lost", () => {
  const place = { sequence: 0, index: 0, atMs: Date.now() };

  it("ends with 410 for a cursor of another stream or of long ago", async () => {
    const [stored] = await publish([{}]);
    const epochMs = stored?.place.epochMs ?? 0;
    const other = encodeCatchUpCursor({ ...place, epochMs: epochMs + 1 });
    const old = encodeCatchUpCursor({ ...place, epochMs, atMs: Date.now() - 7 * 86_400_000 });
    for (const after of [other, old]) {
      expect((await list({ after })).problem).toMatchObject({
        status: 410,
        type: expect.stringContaining("cursor-gone"),
      });
    }
  });

  it("ends with 410 when the next event is no longer stored, and is passed over by who begins anew", async () => {
    const start = (await page()).after;
    const [lost, kept] = await publish([{}], [{}]);
    const purge = { seq: (lost?.place.sequence ?? 0) + 1, filter: `ingest.${partitionOfOrg(tenant.org)}` };
    await backend.connection.manager.streams.purge("INGEST", purge);
    expect((await list({ after: start })).problem.status).toBe(410);
    expect((await page()).ids).toEqual([kept?.event.id]);
  });

  it("ends with 410 behind an event that is so old that history has forgotten it", async () => {
    const after = uuidv7(Date.now() - INGEST_AGE_MS_MAX, randomBytes(10));
    expect((await list({ after })).problem).toMatchObject({ status: 410, type: "cursor-gone" });
  });

  it.each([
    ["nonsense", "must be the next_cursor of an earlier page, or the id of an event"],
    [
      uuidv7(Date.now() - INGEST_AGE_MS_MAX + 3_600_000, randomBytes(10)),
      "must be the next_cursor of an earlier page, or the id of an event",
    ],
    ["01890a5d-ac96-474b-bcce-b302099a8057", "must be the next_cursor of an earlier page, or the id of an event"],
  ])("is not asked for with %s", async (after, message) => {
    expect((await list({ after })).problem).toMatchObject({ status: 422, errors: [{ path: "/after", message }] });
  });

  it("is not asked for by a pattern that is none", async () => {
    const message = "must be tokens joined by single dots, each * or made of letters, digits, _ or -";
    expect((await list({ types: "agent.*,a..b" })).problem).toMatchObject({
      status: 422,
      errors: [{ path: "/types", message }],
    });
  });
});

it("waits for NATS instead of saying that there is nothing", async () => {
  await using own = await startTestBackend();
  await using alone = await startTestApi(own);
  const { org } = await createTenant(alone.call);
  await own.nats.server.kill("SIGKILL");
  await expect.poll(() => own.connection.isConnected, { timeout: 10_000 }).toBe(false);
  const { problem } = await alone.call(listEventsRoute, { path: { org } });
  expect(problem).toMatchObject({ status: 503, type: "dependency-down" });
  expect(problem.detail).toContain("NATS");
});
