/** One event over REST: its data as published, and its deliveries. */

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
import { deliveryRow, storeEvent } from "./history.fixture.ts";
import { getEventRoute } from "./schemas/event.ts";
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

const T0_MS = Date.parse("2026-03-24T13:37:00.000Z");

type EventChanges = Parameters<typeof storeEvent>[2];
const storeOne = (changes: EventChanges = {}) => storeEvent(backend, tenant.org, changes);

async function insert(...rows: readonly ReturnType<typeof deliveryRow>[]): Promise<void> {
  await backend.database.db
    .insertInto("deliveries")
    .values([...rows])
    .execute();
}

describe("an event", () => {
  it("has its data as published, number for number, and its deliveries", async () => {
    const data = '{ "big": 123456789012345678901234567890, "e": 1.0e2, "b":1,"a":2 , "s":"\\u00e9" }';
    const stored = await storeOne({
      data: Buffer.from(data),
      acceptedAtMs: T0_MS,
      timestamp: "2026-03-24T14:37:00+01:00",
    });
    const delivery = deliveryRow(stored, webhook);
    await insert(delivery);
    const { body, text } = await api.call(getEventRoute, { path: path({ event: stored.event.id }) });
    expect(text).toContain(`"data":${data},`);
    expect(body).toMatchObject({
      id: stored.event.id,
      type: "agent.status",
      timestamp: "2026-03-24T14:37:00+01:00",
      accepted_at: "2026-03-24T13:37:00.000Z",
      data_gone: null,
      deliveries: [{ id: delivery.id, status: "pending" }],
      next_cursor: null,
    });
  });

  it.each(["null", "0", '"text"', "[]", "{}"])("may have the data %s", async (data) => {
    const { event } = await storeOne({ data: Buffer.from(data), acceptedAtMs: T0_MS });
    const { body } = await api.call(getEventRoute, { path: path({ event: event.id }) });
    expect(body).toMatchObject({ data: JSON.parse(data), data_gone: null, timestamp: "2026-03-24T13:37:00.000Z" });
  });

  it("says that age has taken its data", async () => {
    const { event } = await storeOne();
    await backend.database.db
      .updateTable("events")
      .set({ place_sequence: 999_999 } as never)
      .where("id", "=", event.id)
      .execute();
    const { body } = await api.call(getEventRoute, { path: path({ event: event.id }) });
    expect(body).toMatchObject({ data: null, data_gone: "age" });
  });

  it("is found by its publisher's id too, the newest one, also when that is a UUID", async () => {
    for (const callerId of ["order-1", "0190163D-8694-739b-aea5-966c26f8ad90", "a/b?c=%2F#d"]) {
      await storeOne({ callerId, acceptedAtMs: T0_MS });
      const { event } = await storeOne({ callerId, acceptedAtMs: T0_MS + 1_000 });
      const { body } = await api.call(getEventRoute, { path: path({ event: callerId }) });
      expect(body.id).toBe(event.id);
    }
  });

  it("has its deliveries in pages", async () => {
    const event = await storeOne();
    const webhooks = [];
    for (const _number of [1, 2, 3]) {
      webhooks.push((await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id);
    }
    await insert(...webhooks.map((id) => deliveryRow(event, id)));
    const options = { path: path({ event: event.event.id }) };
    const first = (await api.call(getEventRoute, { ...options, query: { limit: "2" } })).body;
    const cursor = first.next_cursor ?? "";
    const second = (await api.call(getEventRoute, { ...options, query: { limit: "2", cursor } })).body;
    const seen = [...first.deliveries, ...second.deliveries].map((delivery) => delivery.webhook_id);
    expect(seen.toSorted()).toEqual(webhooks.toSorted());
    expect(second.next_cursor).toBeNull();
  });
});
