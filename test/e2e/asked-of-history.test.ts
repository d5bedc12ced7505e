/** What people ask of events and deliveries that exist: another attempt, a test, the end of the data, what was missed. */

import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { restClient } from "../../deploy/local/rest-client.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Delivery, expectAnswer, type Tenant } from "../tenant.ts";

type ListedEvent = {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly data_gone: string | null;
};
type EventPage = { readonly items: readonly ListedEvent[]; readonly next_cursor: string };

/** How long nothing may come that must not come. */
const QUIET_MS = 1_500;
const PUBLISHERS = 6;
const EVENTS_EACH = 100;

let stack: TestStack;
let tenant: Tenant;
const owned = new AsyncDisposableStack();
beforeAll(async () => {
  stack = await startTestStack({ counts: { ingest: 2, matcher: 2 } });
  tenant = await createTenant(stack, "asked of history");
});
afterAll(async () => {
  await owned.disposeAsync();
  await stack[Symbol.asyncDispose]();
});

const root = () => `/v1/orgs/${tenant.orgId}`;

async function receiving(script: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
  return owned.use(await startReceiver(script));
}

/** The delivery of the first request, once it is in one of these statuses. */
async function firstDelivery(receiver: Receiver, status: string): Promise<Delivery> {
  const [request] = await receiver.waitFor(1, 15_000);
  return tenant.settled(request?.header("webhook-id") ?? "", [status]);
}

async function retry(deliveryId: string) {
  return tenant.api("POST", `${root()}/deliveries/${deliveryId}/retry`);
}

/** With as many attempts as that. */
function attempted(deliveryId: string, count: number): Promise<Delivery> {
  return waitUntil(
    async () => {
      const answer = await tenant.api("GET", `${root()}/deliveries/${deliveryId}`);
      const delivery = expectAnswer<Delivery>(answer, 200);
      return delivery.attempt_count >= count ? delivery : undefined;
    },
    { timeoutMs: 15_000, describe: `${count} attempts of ${deliveryId}` },
  );
}

it("makes one more attempt of what had ended: same id, same body, and nothing after it", async () => {
  const receiver = await receiving({ script: [500, 503, 200, 200] });
  await tenant.subscribe({ url: receiver.url, events: ["again.*"], retry_schedule_s: [] });
  await tenant.publish('{"type":"again.one","data":{"big":12345678901234567890}}');
  const exhausted = await firstDelivery(receiver, "exhausted");

  for (const [attempts, status] of [
    [2, "exhausted"],
    [3, "delivered"],
    [4, "delivered"],
  ] as const) {
    expectAnswer(await retry(exhausted.id), 202);
    await receiver.waitFor(attempts, 15_000);
    const delivery = await attempted(exhausted.id, attempts);
    expect(delivery).toMatchObject({ status, attempt_count: attempts, success: status === "delivered" });
    expect(delivery.attempts.map(({ number }) => number)).toEqual(Array.from({ length: attempts }, (_, n) => n + 1));
  }
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  expect(receiver.requests).toHaveLength(4);
  expect(new Set(receiver.requests.map((request) => request.header("webhook-id")))).toEqual(new Set([exhausted.id]));
  expect(new Set(receiver.requests.map((request) => request.body.toString())).size).toBe(1);
  const log = expectAnswer<{ items: { type: string }[] }>(
    await tenant.api("GET", `${root()}/deliveries/${exhausted.id}/log`),
    200,
  );
  expect(log.items.filter(({ type }) => type === "delivery.retried")).toHaveLength(3);
});

it("leaves it at the one attempt that was asked for, whatever the schedule would have followed", async () => {
  const receiver = await receiving({ script: [200, 503] });
  await tenant.subscribe({ url: receiver.url, events: ["once.*"], retry_schedule_s: [1, 1, 1] });
  await tenant.publish({ type: "once.more", data: {} });
  const { id } = await firstDelivery(receiver, "delivered");
  expectAnswer(await retry(id), 202);
  expect(await attempted(id, 2)).toMatchObject({ status: "exhausted", last_status_code: 503, success: false });
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  expect(receiver.requests).toHaveLength(2);
});

it("refuses another attempt while one runs", async () => {
  const receiver = await receiving({ script: [{ kind: "respond", status: 200, delayMs: 3_000 }] });
  const webhook = await tenant.subscribe({ url: receiver.url, events: ["slow.*"], retry_schedule_s: [] });
  await tenant.publish({ type: "slow.one", data: {} });
  await receiver.waitFor(1, 15_000);
  const [delivery] = await waitUntil(async () => {
    const deliveries = await tenant.deliveriesOf(webhook.id);
    return deliveries.length > 0 ? deliveries : undefined;
  });
  const refused = await retry(delivery?.id ?? "");
  expect(refused).toMatchObject({ status: 409, body: { type: expect.stringContaining("attempt-running") } });
  await firstDelivery(receiver, "delivered");
  expect(receiver.requests).toHaveLength(1);
});

it("answers a test send with what was sent and what came back, and counts it for nothing", async () => {
  const receiver = await receiving({ script: [{ kind: "respond", status: 418, body: "short and stout" }] });
  const webhook = await tenant.subscribe({ url: receiver.url, events: ["never.*"], is_active: false });
  const path = `${root()}/webhooks/${webhook.id}`;
  const order = { type: "never.mind", data: { n: 1 } };
  const answer = expectAnswer<Delivery & { test: boolean }>(await tenant.api("POST", `${path}/test`, order), 200);
  const [request] = receiver.requests;
  expect(receiver.requests).toHaveLength(1);
  expect(answer).toMatchObject({
    id: request?.header("webhook-id"),
    status: "exhausted",
    test: true,
    attempt_count: 1,
  });
  expect(answer.attempts[0]?.request.body).toBe(request?.body.toString());
  expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject(order);
  expect(answer.attempts[0]?.response).toMatchObject({ status: 418, body: "short and stout" });

  const kept = await tenant.settled(answer.id, ["exhausted"]);
  expect(kept).toMatchObject({ test: true, attempts: answer.attempts });
  const { health } = expectAnswer<{ health: object }>(await tenant.api("GET", path), 200);
  expect(health).toMatchObject({ last_attempt_at: null, consecutive_failures: 0, circuit: "closed" });
  expect((await retry(answer.id)).status).toBe(409);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  expect(receiver.requests).toHaveLength(1);
});

it("ends an event's data everywhere at once, and with it what was still to be delivered", async () => {
  const receiver = await receiving({ script: [{ kind: "respond", status: 500, body: "no" }] });
  const fine = await receiving({});
  await tenant.subscribe({ url: receiver.url, events: ["private.*"], retry_schedule_s: [3] });
  await tenant.subscribe({ url: fine.url, events: ["private.*"] });
  const canary = "a-name-that-must-go";
  const eventId = await tenant.publish({ type: "private.data", data: { name: canary } });
  const scheduled = await firstDelivery(receiver, "scheduled");
  const delivered = await firstDelivery(fine, "delivered");
  expect(delivered.attempts[0]?.request.body).toContain(canary);

  expect((await tenant.api("DELETE", `${root()}/events/${eventId}/payload`)).status).toBe(204);
  for (const path of [
    `events/${eventId}`,
    `deliveries/${delivered.id}`,
    `deliveries/${delivered.id}/log`,
    "events?limit=500",
  ]) {
    const answer = await tenant.api("GET", `${root()}/${path}`);
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    expect(JSON.stringify(answer.body)).not.toContain(canary);
  }
  const event = expectAnswer<ListedEvent>(await tenant.api("GET", `${root()}/events/${eventId}`), 200);
  expect(event).toMatchObject({ data: null, data_gone: "deleted" });
  const cancelled = await tenant.settled(scheduled.id, ["cancelled"]);
  expect(cancelled).toMatchObject({ reason: "payload_deleted", attempt_count: 1 });
  for (const { id } of [cancelled, delivered]) {
    expect(await retry(id)).toMatchObject({ status: 409, body: { type: expect.stringContaining("payload-expired") } });
  }
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect(receiver.requests).toHaveLength(1);
});

it("shows a receiver that catches up every event once and in one order, however many publish meanwhile", async () => {
  const other = await createTenant(stack, "catch-up");
  const ingests = stack.stack.instances.filter(({ service }) => service === "ingest");
  const clients = ingests.map(({ httpPort }) => restClient(`http://127.0.0.1:${httpPort}`, other.key));
  const path = `/v1/orgs/${other.orgId}/events`;
  let isPublishing = true;

  const publishing = Promise.all(
    Array.from({ length: PUBLISHERS }, async (_, publisher) => {
      const ids: string[] = [];
      const publish = clients[publisher % clients.length] ?? other.ingest;
      for (let number = 0; number < EVENTS_EACH; number += 1) {
        const event = { type: `load.p${publisher}`, data: { number } };
        ids.push(expectAnswer<{ id: string }>(await publish("POST", path, event), 202).id);
      }
      return ids;
    }),
  ).finally(() => {
    isPublishing = false;
  });
  const seen: ListedEvent[] = [];
  let after = "";
  const readPage = async (limit: number) => {
    const page = expectAnswer<EventPage>(await other.api("GET", `${path}?limit=${limit}${after}`), 200);
    after = `&after=${page.next_cursor}`;
    seen.push(...page.items);
    return page.items.length;
  };
  while (isPublishing) await readPage(7 + (seen.length % 40));
  const published = await publishing;
  await waitUntil(
    async () => {
      await readPage(500);
      return seen.length >= PUBLISHERS * EVENTS_EACH;
    },
    { timeoutMs: 20_000, describe: () => `all events to be shown, of which ${seen.length} are` },
  );

  expect(seen.map(({ id }) => id).toSorted()).toEqual(published.flat().toSorted());
  for (const [publisher, ids] of published.entries()) {
    expect(seen.filter(({ type }) => type === `load.p${publisher}`).map(({ id }) => id)).toEqual(ids);
  }
  const anew: string[] = [];
  for (let cursor = ""; ; ) {
    const page = expectAnswer<EventPage>(await other.api("GET", `${path}?limit=500${cursor}`), 200);
    if (page.items.length === 0) break;
    anew.push(...page.items.map(({ id }) => id));
    cursor = `&after=${page.next_cursor}`;
  }
  expect(anew).toEqual(seen.map(({ id }) => id));
  const [, middle = ""] = anew;
  const rest = expectAnswer<EventPage>(await other.api("GET", `${path}?limit=3&after=${middle}`), 200);
  expect(rest.items.map(({ id }) => id)).toEqual(anew.slice(2, 5));
});
