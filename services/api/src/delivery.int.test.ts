/** One delivery over REST: its attempts and its raw log, from what the archive and INGEST hold. */

import { logEventId } from "@posthorn/domain";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { encodeCursor } from "./core/cursor.ts";
import { STORY_BEGAN_AT_MS, type Story, storeStory } from "./delivery-story.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { deliveryRow, type StoredEvent, storeEvent, storeEvents } from "./history.fixture.ts";
import { getDeliveryLogRoute, getDeliveryRoute } from "./schemas/delivery.ts";
import { createWebhookRoute } from "./schemas/webhook.ts";

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
  webhook = (await api.call(createWebhookRoute, { path: { org: tenant.org }, body: WEBHOOK })).body.id;
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

const story = (changes: Partial<Story> = {}) => storeStory(backend, { org: tenant.org, webhook, ...changes });

/** A delivery without attempts. */
async function storePending(changes: Parameters<typeof deliveryRow>[2] = {}): Promise<string> {
  const row = deliveryRow(await storeEvent(backend, tenant.org), webhook, changes);
  await backend.database.db.insertInto("deliveries").values(row).execute();
  return row.id;
}

describe("a delivery", () => {
  it("has its attempts with request and response, as they were", async () => {
    const { id } = await story();
    const { body, text } = await api.call(getDeliveryRoute, { path: path({ delivery: id }) });
    expect(body).toMatchObject({ id, status: "delivered", success: true });
    const requestBody = '{"type":"agent.status","timestamp":"2026-03-24T13:37:00.000Z","data":{"a":1}}';
    expect(body.attempts).toEqual([
      {
        number: 1,
        started_at: "2026-03-24T13:37:00.100Z",
        duration_ms: 12,
        outcome: "failed",
        status_code: 500,
        error_class: "status",
        error_message: "receiver answered 500",
        request: {
          url: "http://127.0.0.1:9/hook?token=***",
          headers: { "content-type": "application/json" },
          body: requestBody,
        },
        response: { status: 500, headers: { "x-answer": "1" }, body: "o\ufffdk", truncated: false },
      },
      {
        number: 2,
        started_at: "2026-03-24T13:37:01.900Z",
        duration_ms: 12,
        outcome: "succeeded",
        status_code: 200,
        error_class: null,
        error_message: null,
        request: {
          url: "http://127.0.0.1:9/hook?token=***",
          headers: { "content-type": "application/json", "x-twice": "a, b" },
          body: requestBody,
        },
        response: { status: 200, headers: { "x-answer": "2" }, body: "answer 2", truncated: true },
      },
    ]);
    expect(text).not.toContain("canary");
  });

  it("has the body of its own profile", async () => {
    const { id } = await story({ profile: "myop" });
    const { attempts } = (await api.call(getDeliveryRoute, { path: path({ delivery: id }) })).body;
    const body = `{"event":"agent.status","timestamp":"2026-03-24T13:37:00.000Z","organizationId":"${tenant.org}","data":{"a":1}}`;
    expect(attempts.map((attempt) => attempt.request?.body)).toEqual([body, body]);
  });

  it("has no attempts before the first outcome", async () => {
    const id = await storePending();
    const { body } = await api.call(getDeliveryRoute, { path: path({ delivery: id }) });
    expect(body).toMatchObject({ status: "pending", success: null, attempts: [] });
  });

  it("has those of its attempts that the archive still holds, and says how many there were", async () => {
    const { id, sequences } = await story();
    const { pool } = backend.database;
    await pool.query("delete from delivery_log where sequence = any($1)", [sequences.slice(0, 2)]);
    const { body } = await api.call(getDeliveryRoute, { path: path({ delivery: id }) });
    expect(body).toMatchObject({ status: "delivered", success: true, attempt_count: 2 });
    expect(body.attempts).toMatchObject([{ number: 2, outcome: "succeeded", status_code: 200 }]);
  });

  it("has its other attempts when a message about it cannot be decoded", async () => {
    const { id, sequences } = await story();
    const { pool } = backend.database;
    // Behind the delivery's id stand two bytes, then its webhook's: that is no UUID any more.
    await pool.query(
      `update delivery_log set bytes = overlay(bytes placing 'x'::bytea from position($2::bytea in bytes) + 38)
       where sequence = $1`,
      [sequences[1], Buffer.from(id)],
    );
    const { body } = await api.call(getDeliveryRoute, { path: path({ delivery: id }) });
    expect(body.attempts).toMatchObject([{ number: 2 }]);
  });

  it("has the attempts that dozens of messages tell of, however many of them tell of something else", async () => {
    const { id, sequences } = await story();
    const [first = 0, ...others] = sequences;
    const many = [first, ...Array.from({ length: 40 }, () => first), ...others];
    const rows = backend.database.db.updateTable("deliveries").where("id", "=", id);
    const epochs = sql<number[]>`array_fill(log_epochs[1], array[${many.length}::integer])`;
    await rows.set({ log_sequences: many, log_epochs: epochs }).execute();
    const { attempts } = (await api.call(getDeliveryRoute, { path: path({ delivery: id }) })).body;
    expect(attempts.map(({ number }) => number)).toEqual([1, 2]);
  });

  it.each([
    ["the place is past the end", (event: StoredEvent) => ({ ...event.place, sequence: 999_999 })],
    ["the stream is another one", (event: StoredEvent) => ({ ...event.place, epochMs: 1 })],
    ["the group has no such member", (event: StoredEvent) => ({ ...event.place, index: 7 })],
  ])("shows no request body when %s", async (_what, misplace) => {
    const event = await storeEvent(backend, tenant.org, { acceptedAtMs: STORY_BEGAN_AT_MS });
    const { id } = await story({ event: { ...event, place: misplace(event) } });
    const { attempts } = (await api.call(getDeliveryRoute, { path: path({ delivery: id }) })).body;
    expect(attempts.map((attempt) => attempt.request?.body)).toEqual([null, null]);
  });

  it("never shows what stands at its place but belongs to another event or organisation", async () => {
    const [mine, sibling] = await storeEvents(backend, tenant.org, [
      { data: Buffer.from('"mine"'), acceptedAtMs: STORY_BEGAN_AT_MS },
      { data: Buffer.from('"canary"') },
    ]);
    const stranger = await createTenant(api.call);
    const [foreign] = await storeEvents(backend, stranger.org, [{ data: Buffer.from('"canary"') }]);
    if (mine === undefined || sibling === undefined || foreign === undefined) throw new Error("no events");
    const { id } = await story({ event: mine });
    for (const { place } of [sibling, foreign]) {
      const misplaced = { place_sequence: place.sequence, place_index: place.index };
      await backend.database.db.updateTable("deliveries").set(misplaced).where("id", "=", id).execute();
      const { body, text } = await api.call(getDeliveryRoute, { path: path({ delivery: id }) });
      expect(body.attempts.map((attempt) => attempt.request?.body)).toEqual([null, null]);
      expect(text).not.toContain("canary");
    }
  });
});

describe("the log of a delivery", () => {
  it("has every event under its own id, in order, and nothing of its neighbours", async () => {
    const { id, log } = await story();
    const { body, text } = await api.call(getDeliveryLogRoute, { path: path({ delivery: id }) });
    expect(body.items.map((item) => item.id)).toEqual(log.flat().map(logEventId));
    expect(body.items.map((item) => item.type)).toEqual([
      "delivery.created",
      "attempt.failed",
      "attempt.succeeded",
      "attempt.failed",
    ]);
    expect(text).not.toContain("canary");
    expect(body.items[1]).toEqual({
      id: `${id}:outcome:1`,
      type: "attempt.failed",
      at: "2026-03-24T13:37:00.000Z",
      position: { partition: expect.any(Number), epoch: "2023-11-14T22:13:20.123Z", sequence: expect.any(Number) },
      event_id: expect.any(String),
      delivery_id: id,
      webhook_id: webhook,
      attempt: {
        number: 1,
        started_at: "2026-03-24T13:37:00.100Z",
        duration_ms: 12,
        status_code: 500,
        request: { url: "http://127.0.0.1:9/hook?token=***", headers: { "content-type": "application/json" } },
        response: { headers: { "x-answer": "1" }, body: "o\ufffdk", truncated: false },
        dispatcher: "dispatcher-1",
        possible_repeat: false,
        test: false,
      },
      error_class: "status",
      error_message: "receiver answered 500",
      next_attempt_at: "2026-03-24T13:37:01.800Z",
    });
  });

  it("says of a delivery what it was ordered with", async () => {
    const { id } = await story();
    const { items } = (await api.call(getDeliveryLogRoute, { path: path({ delivery: id }) })).body;
    expect(items[0]).toMatchObject({
      type: "delivery.created",
      profile: "standard",
      event_type_prefix: "",
      origin: { kind: "match" },
      hold: null,
    });
  });

  it.each([1, 2, 3])("comes in pages of %i", async (limit) => {
    const { id, log } = await story();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = { limit: String(limit), ...(cursor === null ? {} : { cursor }) };
      const { body } = await api.call(getDeliveryLogRoute, { path: path({ delivery: id }), query });
      expect(body.items.length).toBeLessThanOrEqual(limit);
      seen.push(...body.items.map((item) => item.id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(log.flat().map(logEventId));
  });

  it("refuses a cursor of another list", async () => {
    const { id } = await story();
    const { problem } = await api.call(getDeliveryLogRoute, {
      path: path({ delivery: id }),
      query: { cursor: encodeCursor({ createdAtMs: 1, id }) },
    });
    const message = "must be the next_cursor of an earlier page";
    expect(problem).toMatchObject({ status: 422, errors: [{ path: "/cursor", message }] });
  });

  it("is empty when the archive no longer holds any of it", async () => {
    const id = await storePending({ log_epochs: [1], log_sequences: [1] });
    const { body } = await api.call(getDeliveryLogRoute, { path: path({ delivery: id }) });
    expect(body).toEqual({ items: [], next_cursor: null });
  });
});
