/** Lists of deliveries over REST: their filters, and their pages while others write. */

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
import { deliveryRow, storeEvent, storeEvents } from "./history.fixture.ts";
import { listDeliveriesRoute, listWebhookDeliveriesRoute } from "./schemas/delivery.ts";
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
  webhook = (await api.call(createWebhookRoute, { path: { org: tenant.org }, body: WEBHOOK })).body.id;
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

const T0_MS = Date.parse("2026-03-24T13:37:00.000Z");

type Row = ReturnType<typeof deliveryRow>;

async function insert(...rows: readonly Row[]): Promise<void> {
  await backend.database.db
    .insertInto("deliveries")
    .values([...rows])
    .execute();
}

/** Deliveries of one event each, a second apart, the first one oldest. */
async function storeDeliveries(changes: readonly Partial<Row>[]): Promise<string[]> {
  const events = changes.map((_, index) => ({ data: Buffer.from("1"), acceptedAtMs: T0_MS + index * 1_000 }));
  const stored = await storeEvents(backend, tenant.org, events);
  const rows = stored.map((event, index) => deliveryRow(event, webhook, changes[index]));
  await insert(...rows);
  return rows.map((row) => row.id);
}

describe("lists of deliveries", () => {
  const filtered = async (query: Readonly<Record<string, string>>) => {
    const { body } = await api.call(listDeliveriesRoute, { path: path(), query });
    return body.items.map((item) => item.id);
  };

  it("show the newest first, with all fields", async () => {
    const [first = "", second = ""] = await storeDeliveries([
      { status: "scheduled", attempt_count: 2, next_attempt_at: new Date(T0_MS + 9_000), last_error_class: "timeout" },
      { status: "delivered", attempt_count: 1, completed_at: new Date(T0_MS + 1_500), last_status_code: 204 },
    ]);
    const { items, next_cursor } = (await api.call(listDeliveriesRoute, { path: path() })).body;
    expect(items.map((item) => item.id)).toEqual([second, first]);
    expect(next_cursor).toBeNull();
    expect(items[1]).toEqual({
      id: first,
      event_id: expect.any(String),
      webhook_id: webhook,
      event_type: "agent.status",
      status: "scheduled",
      reason: null,
      success: false,
      attempt_count: 2,
      next_attempt_at: "2026-03-24T13:37:09.000Z",
      last_status_code: null,
      last_error_class: "timeout",
      error_message: null,
      replay_of: null,
      test: false,
      created_at: "2026-03-24T13:37:00.000Z",
      completed_at: null,
    });
    expect(items[0]).toMatchObject({ success: true, completed_at: "2026-03-24T13:37:01.500Z", last_status_code: 204 });
  });

  it("are filtered by status, type or pattern, success and time, and by all of them", async () => {
    const [pending = "", failing = "", delivered = "", exhausted = "", skipped = "", cancelled = ""] =
      await storeDeliveries([
        { event_type: "agent.status" },
        { event_type: "agent.run.done", status: "scheduled", attempt_count: 1 },
        { event_type: "agentx", status: "delivered", attempt_count: 2 },
        { event_type: "run.done", status: "exhausted", attempt_count: 0, reason: "expired" },
        { event_type: "agent", status: "skipped", reason: "webhook_inactive" },
        { event_type: "a.agent.b", status: "cancelled", attempt_count: 1, reason: "webhook_deleted" },
      ]);
    expect(await filtered({ status: "delivered" })).toEqual([delivered]);
    expect(await filtered({ event: "agent.status" })).toEqual([pending]);
    expect(await filtered({ event: "agent.*" })).toEqual([failing, pending]);
    expect(await filtered({ event: "*.done" })).toEqual([exhausted]);
    expect(await filtered({ event: "*.agent.*" })).toEqual([cancelled]);
    expect(await filtered({ event: "*" })).toHaveLength(6);
    expect(await filtered({ success: "true" })).toEqual([delivered]);
    expect(await filtered({ success: "false" })).toEqual([cancelled, exhausted, failing]);
    expect(await filtered({ since: "2026-03-24T13:37:04Z" })).toEqual([cancelled, skipped]);
    expect(await filtered({ until: "2026-03-24T13:37:01.000Z" })).toEqual([pending]);
    expect(await filtered({ since: "2026-03-24T14:37:01+01:00", until: "2026-03-24T13:37:03Z" })).toEqual([
      delivered,
      failing,
    ]);
    expect(await filtered({ success: "false", event: "*.*.*.*", status: "scheduled" })).toEqual([]);
    expect(await filtered({ success: "false", event: "agent.*", status: "scheduled" })).toEqual([failing]);
  });

  it("say of each whether it succeeded, as the filter does", async () => {
    const changes: Partial<Row>[] = [
      "pending",
      "scheduled",
      "parked",
      "delivered",
      "exhausted",
      "cancelled",
      "skipped",
    ].flatMap((status) => [0, 1].map((attempt_count) => ({ status, attempt_count })));
    await storeDeliveries(changes);
    for (const success of ["true", "false"]) {
      const { items } = (await api.call(listDeliveriesRoute, { path: path(), query: { success } })).body;
      expect(items.every((item) => String(item.success) === success)).toBe(true);
      const all = (await api.call(listDeliveriesRoute, { path: path() })).body.items;
      expect(items).toEqual(all.filter((item) => String(item.success) === success));
    }
  });

  it("hold those of one webhook, also when it is deleted", async () => {
    const other = (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id;
    const event = await storeEvent(backend, tenant.org);
    const [own, foreign] = [deliveryRow(event, webhook), deliveryRow(event, other)];
    await insert(own, foreign);
    const ofWebhook = async () => {
      const { body } = await api.call(listWebhookDeliveriesRoute, {
        path: path({ webhook }),
        query: { event: "agent.*" },
      });
      return body.items.map((item) => item.id);
    };
    expect(await ofWebhook()).toEqual([own.id]);
    await api.call(deleteWebhookRoute, { path: path({ webhook }) });
    expect(await ofWebhook()).toEqual([own.id]);
  });

  it("leave out what cannot be said yet: deliveries whose creation has not been read", async () => {
    await storeDeliveries([{ event_type: null, profile: null, place_sequence: null }]);
    expect(await filtered({})).toEqual([]);
  });

  it("keep organisations apart", async () => {
    await storeDeliveries([{}, {}]);
    const stranger = await createTenant(api.call);
    const { body } = await api.call(listDeliveriesRoute, { path: { org: stranger.org } });
    expect(body.items).toEqual([]);
  });

  it("turn pages without repeating or hiding a row while others are added and changed", async () => {
    // Many of one moment, so that pages end between equal times.
    const events = Array.from({ length: 60 }, (_, index) => ({
      data: Buffer.from("1"),
      acceptedAtMs: T0_MS + Math.floor(index / 20),
    }));
    const stored = await storeEvents(backend, tenant.org, events);
    const rows = stored.map((event) => deliveryRow(event, webhook));
    await insert(...rows);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = { limit: "7", ...(cursor === null ? {} : { cursor }) };
      const { body } = await api.call(listDeliveriesRoute, { path: path(), query });
      seen.push(...body.items.map((item) => item.id));
      cursor = body.next_cursor;
      await storeDeliveriesAt(T0_MS + 10_000 + seen.length);
      await storeDeliveriesAt(T0_MS + 1);
      const changed = { status: "delivered", attempt_count: 1, completed_at: new Date() };
      const someSeen = seen.at(-1) ?? "";
      await backend.database.db.updateTable("deliveries").set(changed).where("id", "=", someSeen).execute();
    } while (cursor !== null);
    const expected = new Set(rows.map((row) => row.id));
    expect(seen.filter((id) => expected.has(id)).toSorted()).toEqual([...expected].toSorted());
    expect(new Set(seen).size).toBe(seen.length);
  });

  async function storeDeliveriesAt(acceptedAtMs: number): Promise<void> {
    await insert(deliveryRow(await storeEvent(backend, tenant.org, { acceptedAtMs }), webhook));
  }

  it.each([
    [
      { status: "done" },
      "/status",
      "must be one of pending, scheduled, parked, delivered, exhausted, cancelled, skipped",
    ],
    [{ event: "a..b" }, "/event", "must be tokens joined by single dots, each * or made of letters, digits, _ or -"],
    [{ success: "1" }, "/success", "must be true or false"],
    [{ since: "yesterday" }, "/since", 'must be an RFC 3339 date and time such as "2026-03-24T13:37:00Z"'],
    [{ until: "2026-02-30T00:00:00Z" }, "/until", 'must be an RFC 3339 date and time such as "2026-03-24T13:37:00Z"'],
    [{ webhook_id: "x" }, "/webhook_id", "is not a known field"],
  ])("refuse %j", async (query, at, message) => {
    for (const route of [listDeliveriesRoute, listWebhookDeliveriesRoute]) {
      const { problem } = await api.call(route, { path: path({ webhook }), query });
      expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
    }
  });

  it.each(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z"])(
    "can look from %s",
    async (since) => expect(Array.isArray(await filtered({ since }))).toBe(true),
  );
});
