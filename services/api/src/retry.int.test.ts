/** One more attempt, over REST: when it is made, when not, and what the log gets to hear. */

import { limits } from "@posthorn/domain";
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
import { loggedEvents } from "./log.fixture.ts";
import { retryDeliveriesRoute, retryDeliveryRoute } from "./schemas/delivery.ts";
import { deletePayloadRoute } from "./schemas/event.ts";
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
  webhook = await createWebhook();
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

async function createWebhook(): Promise<string> {
  return (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id;
}

const EXHAUSTED = {
  status: "exhausted",
  reason: "attempts_exhausted",
  attempt_count: 3,
  release: 1,
  completed_at: new Date(),
} as const;

type Changes = Parameters<typeof deliveryRow>[2];

async function store(changes: Changes = EXHAUSTED, acceptedAtMs = Date.now(), ofWebhook = webhook) {
  const event = await storeEvent(backend, tenant.org, { acceptedAtMs });
  const row = deliveryRow(event, ofWebhook, changes);
  await backend.database.db.insertInto("deliveries").values(row).execute();
  return { id: row.id, event: event.event.id, row };
}

/** A delivery whose next attempt nobody has released yet. */
async function storeWaiting(changes: Changes) {
  const { row } = await store(changes);
  const { id, partition, org_id, event_id, webhook_id, release } = row;
  const due = row.next_attempt_at;
  if (!(due instanceof Date)) throw new Error("it waits for nothing");
  await backend.database.db
    .insertInto("retry_due")
    .values({
      delivery_id: id,
      partition,
      due_at: due,
      kind: row.status === "parked" ? "parked" : "retry",
      reason: row.reason ?? null,
      message_id: id,
      event_type_prefix: "",
      is_only: false,
      attempt: row.attempt_count + 1,
      release,
      org_id,
      event_id,
      webhook_id,
      event_type: "agent.status",
      accepted_at: new Date(),
      profile: "standard",
      place_epoch_ms: 1,
      place_sequence: 1,
      place_index: 0,
      traceparent: "",
    })
    .execute();
  return id;
}

const retry = (id: string, key?: string) =>
  api.call(retryDeliveryRoute, { path: path({ delivery: id }), ...(key === undefined ? {} : { key }) });

const retried = () => loggedEvents(backend, tenant.org, "delivery.retried");

describe("one more attempt of a delivery", () => {
  it("is scheduled for now, and in the log when it is answered", async () => {
    const { id, event } = await store();
    const { body } = await retry(id, tenant.keys.admin);
    expect(body).toMatchObject({ id, status: "scheduled", reason: null, completed_at: null, attempt_count: 3 });
    expect(Math.abs(Date.parse(body.next_attempt_at ?? "") - Date.now())).toBeLessThan(5_000);
    expect(await retried()).toEqual([
      {
        kind: "delivery.retried",
        orgId: tenant.org,
        eventId: event,
        deliveryId: id,
        webhookId: webhook,
        atMs: expect.any(Number),
        by: tenant.adminKeyId,
        attempt: 4,
        release: 2,
        isOnly: true,
      },
    ]);
    const [audited] = (await loggedEvents(backend, tenant.org, "configuration.changed")).slice(-1);
    expect(audited).toMatchObject({ action: "retryDelivery", subjectKind: "delivery", subjectId: id });
  });

  it("goes on with its retries when it had not ended", async () => {
    const later = { status: "scheduled", next_attempt_at: new Date(Date.now() + 60_000), attempt_count: 1 };
    await retry(await storeWaiting(later));
    const parked = { status: "parked", reason: "circuit_open", next_attempt_at: new Date(), attempt_count: 1 };
    await retry(await storeWaiting(parked));
    expect((await retried()).map(({ isOnly }) => isOnly)).toEqual([false, false]);
  });

  it("is the same one when it is asked for twice before the projection knows of it", async () => {
    const { id } = await store();
    await Promise.all([retry(id), retry(id)]);
    const events = await retried();
    expect(new Set(events.map(({ release }) => release))).toEqual(new Set([2]));
  });

  it.each<[string, Changes, string]>([
    ["pending", { status: "pending" }, "attempt-running"],
    ["due", { status: "scheduled", next_attempt_at: new Date(0), attempt_count: 1 }, "attempt-running"],
    ["released", { status: "parked", reason: "circuit_open", next_attempt_at: new Date() }, "attempt-running"],
    ["a test", { ...EXHAUSTED, test: true }, "test-delivery"],
    ["without a payload", { ...EXHAUSTED, place_sequence: 999_999 }, "payload-expired"],
  ])("is refused when the delivery is %s", async (_what, changes, type) => {
    const { id } = await store(changes);
    expect((await retry(id)).problem).toMatchObject({ status: 409, type: expect.stringContaining(type) });
    expect(await retried()).toEqual([]);
  });

  it("is refused when its payload is too old or deleted", async () => {
    const old = await store(EXHAUSTED, Date.now() - limits.DELIVERY_HORIZON_MS);
    const deleted = await store();
    await api.call(deletePayloadRoute, { path: path({ event: deleted.event }) });
    for (const { id } of [old, deleted]) {
      expect((await retry(id)).problem).toMatchObject({
        status: 409,
        type: expect.stringContaining("payload-expired"),
      });
    }
  });

  it("is refused when its webhook is deleted or disabled, and not when it is paused", async () => {
    const { id } = await store();
    const set = (columns: { readonly disabled_reason: string | null }) =>
      backend.database.db
        .updateTable("webhooks")
        .set({ is_active: false, ...columns })
        .where("id", "=", webhook)
        .execute();
    await set({ disabled_reason: "gone" });
    expect((await retry(id)).problem).toMatchObject({ status: 409, type: expect.stringContaining("webhook-disabled") });
    await set({ disabled_reason: null });
    expect((await retry(id)).status).toBe(202);
    const other = await store();
    await api.call(deleteWebhookRoute, { path: path({ webhook }) });
    const { problem } = await retry(other.id);
    expect(problem).toMatchObject({ status: 409, type: expect.stringContaining("webhook-deleted") });
  });

  it("is for those who may configure, in their own organisation", async () => {
    const { id } = await store();
    expect((await retry(id, tenant.keys.runtime)).problem.status).toBe(403);
    expect((await retry(id, tenant.keys.ci)).status).toBe(202);
    const stranger = await createTenant(api.call);
    const foreign = { path: { org: stranger.org, delivery: id }, key: stranger.keys.admin };
    expect((await api.call(retryDeliveryRoute, foreign)).problem.status).toBe(404);
  });
});

describe("one more attempt of all that have failed for good", () => {
  const retryAll = async (body: Readonly<Record<string, unknown>> = {}) => {
    const options = { path: path(), body: { status: "exhausted", ...body } };
    return (await api.call(retryDeliveriesRoute, options)).body.count;
  };

  it("is made of those that can be, and of no others", async () => {
    const [one, two] = [await store(), await store()];
    await store({ status: "delivered", attempt_count: 1, completed_at: new Date() });
    await store({ ...EXHAUSTED, test: true });
    await store(EXHAUSTED, Date.now() - limits.DELIVERY_HORIZON_MS);
    const deleted = await store();
    await api.call(deletePayloadRoute, { path: path({ event: deleted.event }) });
    expect(await retryAll()).toBe(2);
    expect((await retried()).map(({ deliveryId }) => deliveryId).toSorted()).toEqual([one.id, two.id].toSorted());
  });

  it("can be narrowed to a webhook and a time", async () => {
    const other = await createWebhook();
    await store(EXHAUSTED, Date.now() - 60_000);
    const wanted = await store(EXHAUSTED, Date.now() - 30_000);
    await store(EXHAUSTED, Date.now() - 30_000, other);
    await store();
    const since = new Date(Date.now() - 45_000).toISOString();
    const until = new Date(Date.now() - 15_000).toISOString();
    expect(await retryAll({ webhook_id: webhook, since, until })).toBe(1);
    expect((await retried()).map(({ deliveryId }) => deliveryId)).toEqual([wanted.id]);
  });

  it("leaves out webhooks that take nothing", async () => {
    await store();
    await api.call(deleteWebhookRoute, { path: path({ webhook }) });
    expect(await retryAll()).toBe(0);
  });

  it.each([
    [{}, "/status", "must be exhausted"],
    [{ status: "delivered" }, "/status", "must be exhausted"],
    [{ status: "exhausted", webhook_id: "x" }, "/webhook_id", "must be a UUID"],
  ])("refuses %j", async (body, at, message) => {
    const { problem } = await api.call(retryDeliveriesRoute, { path: path(), body });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
  });
});
