/** Deleting an event's data over REST: hidden at once, on every replica, and nothing of it is sent any more. */

import { type ConfigValue, limits } from "@posthorn/domain";
import { ConfigReplica, INGEST_AGE_MS_MAX } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { storeStory } from "./delivery-story.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { deliveryRow, type StoredEvent, storeEvent } from "./history.fixture.ts";
import { forgetDeletions } from "./io/forget-deletions.ts";
import { loggedEvents } from "./log.fixture.ts";
import { getDeliveryRoute } from "./schemas/delivery.ts";
import { deletePayloadRoute, getEventRoute } from "./schemas/event.ts";
import { explainEventRoute } from "./schemas/explain.ts";
import { createWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let other: TestApi;
let tenant: Tenant;
let webhook: string;
let replica: ConfigReplica;
const values = new Map<string, ConfigValue>();

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  other = await startTestApi(backend);
  replica = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key, value) => values.set(key, value),
    onReset: () => values.clear(),
    onTrouble: () => {},
  });
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
  webhook = await createWebhook();
});

afterAll(async () => {
  replica[Symbol.dispose]();
  await other[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

async function createWebhook(): Promise<string> {
  return (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id;
}

const storeCanary = () => storeEvent(backend, tenant.org, { data: Buffer.from('"canary"') });

const deletePayload = (event: string, key?: string) =>
  api.call(deletePayloadRoute, { path: path({ event }), ...(key === undefined ? {} : { key }) });

async function insertDelivery(event: StoredEvent, changes: Parameters<typeof deliveryRow>[2] = {}): Promise<string> {
  const row = deliveryRow(event, await createWebhook(), changes);
  await backend.database.db.insertInto("deliveries").values(row).execute();
  return row.id;
}

async function configOf(event: string): Promise<ConfigValue | undefined> {
  await replica.barrier();
  return values.get(`payload-deletion.${tenant.org}.${event}`);
}

describe("the data of an event that is deleted", () => {
  it("is shown by no replica any more, in no answer", async () => {
    const stored = await storeCanary();
    const { id: delivery } = await storeStory(backend, { org: tenant.org, webhook, event: stored });
    const event = stored.event.id;
    expect((await other.call(getEventRoute, { path: path({ event }) })).text).toContain("canary");
    expect((await deletePayload(event)).status).toBe(204);
    for (const { call } of [api, other]) {
      const shown = await call(getEventRoute, { path: path({ event }) });
      expect(shown.body).toMatchObject({ data: null, data_gone: "deleted" });
      const { body, text } = await call(getDeliveryRoute, { path: path({ delivery }) });
      expect(body.attempts.map((attempt) => attempt.request?.body)).toEqual([null, null]);
      expect(shown.text + text).not.toContain("canary");
      expect((await call(explainEventRoute, { path: path({ event }) })).text).not.toContain("canary");
    }
  });

  it("is known to dispatchers when it is answered", async () => {
    const { event } = await storeCanary();
    await deletePayload(event.id);
    const entry = { kind: "payload-deletion", id: event.id, orgId: tenant.org };
    expect(await configOf(event.id)).toEqual({ kind: "present", version: 1, entry });
  });

  it("cancels what is open, and only that", async () => {
    const stored = await storeCanary();
    const open = [
      await insertDelivery(stored),
      await insertDelivery(stored, { status: "scheduled", next_attempt_at: new Date(), attempt_count: 1 }),
      await insertDelivery(stored, { status: "parked", reason: "circuit_open", next_attempt_at: new Date() }),
    ];
    await insertDelivery(stored, { status: "delivered", attempt_count: 1, completed_at: new Date() });
    await insertDelivery(await storeEvent(backend, tenant.org));
    await deletePayload(stored.event.id);
    const cancelled = await loggedEvents(backend, tenant.org, "delivery.cancelled");
    expect(cancelled.map(({ deliveryId }) => deliveryId).toSorted()).toEqual(open.toSorted());
    expect(new Set(cancelled.map(({ reason }) => reason))).toEqual(new Set(["payload_deleted"]));
  });

  it("can be deleted again, which is audited once", async () => {
    const { event } = await storeCanary();
    expect((await deletePayload(event.id)).status).toBe(204);
    expect((await deletePayload(event.id)).status).toBe(204);
    const audited = await loggedEvents(backend, tenant.org, "configuration.changed");
    expect(audited.filter(({ action }) => action === "deletePayload")).toMatchObject([
      { actor: "root", subjectKind: "event", subjectId: event.id, fields: ["data"] },
    ]);
  });

  it("is deleted by those who may configure, in their own organisation", async () => {
    const { event } = await storeCanary();
    expect((await deletePayload(event.id, tenant.keys.runtime)).problem.status).toBe(403);
    const stranger = await createTenant(api.call);
    const foreign = { path: { org: stranger.org, event: event.id }, key: stranger.keys.admin };
    expect((await api.call(deletePayloadRoute, foreign)).problem.status).toBe(404);
    expect((await api.call(getEventRoute, { path: path({ event: event.id }) })).text).toContain("canary");
  });
});

describe("a deletion that INGEST has made pointless", () => {
  const DAY_MS = 24 * 3_600_000;

  it("is taken back from the data plane first, and then forgotten altogether", async () => {
    const { event } = await storeCanary();
    await deletePayload(event.id);
    const forget = (afterMs: number) =>
      forgetDeletions({
        db: backend.database.db,
        connection: backend.connection,
        nowMs: () => Date.now() + afterMs,
      });
    await forget(limits.DELIVERY_HORIZON_MS);
    expect(await configOf(event.id)).toMatchObject({ kind: "present" });
    await forget(INGEST_AGE_MS_MAX + DAY_MS);
    await expect.poll(() => configOf(event.id), { timeout: 10_000 }).toEqual({ kind: "deleted", version: 2 });
    await forget(INGEST_AGE_MS_MAX + 2 * DAY_MS + 60_000);
    const rows = backend.database.db
      .selectFrom("payload_deletions")
      .select("event_id")
      .where("event_id", "=", event.id);
    expect(await rows.execute()).toEqual([]);
    await using reader = await freshCopy();
    expect([...reader.keys].filter((key) => key.endsWith(event.id))).toEqual([]);
  });
});

/** What a process that starts now reads from the bucket. */
async function freshCopy() {
  const keys = new Set<string>();
  const fresh = new ConfigReplica(backend.connection, backend.publisher, {
    onValue: (key) => keys.add(key),
    onReset: () => keys.clear(),
    onTrouble: () => {},
  });
  await fresh.barrier();
  expect(keys.size).toBeGreaterThan(0);
  return { keys, [Symbol.asyncDispose]: async () => fresh[Symbol.dispose]() };
}
