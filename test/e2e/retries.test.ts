import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";

/** How early or late an attempt may be: the scheduler looks every 200 ms, and the machine is busy. */
const LATE_MS_MAX = 1_500;
const EARLY_MS_MAX = 50;

let stack: TestStack;
let tenant: Tenant;
const receivers: Receiver[] = [];
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "retries");
});
afterAll(async () => {
  for (const receiver of receivers) await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

async function receiving(script: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
  const receiver = await startReceiver(script);
  receivers.push(receiver);
  return receiver;
}

it("repeats a failed delivery at its schedule: same id, same body, fresh timestamp and signature", async () => {
  const failing = { kind: "respond", status: 500, body: "not today" } as const;
  const receiver = await receiving({ script: [failing, failing, 200] });
  const webhook = await tenant.subscribe({ url: receiver.url, events: ["run.*"], retry_schedule_s: [1, 2] });
  await tenant.publish({ type: "run.status", data: { a: 1 } });
  const requests = await receiver.waitFor(3, 15_000);

  const [one, two, three] = requests.map((request) => request.arrivedAtMs);
  expectDelay((two ?? 0) - (one ?? 0), 1_000);
  expectDelay((three ?? 0) - (two ?? 0), 2_000);
  expect(new Set(requests.map((request) => request.header("webhook-id"))).size).toBe(1);
  expect(new Set(requests.map((request) => request.body.toString())).size).toBe(1);
  expect(new Set(requests.map((request) => request.header("webhook-timestamp"))).size).toBe(3);
  expect(new Set(requests.map((request) => request.header("webhook-signature"))).size).toBe(3);
  const standard = new StandardWebhook(webhook.secret);
  for (const request of requests) standard.verify(request.body.toString(), headersOf(request));

  const deliveryId = requests[0]?.header("webhook-id") ?? "";
  const delivery = await tenant.settled(deliveryId, ["delivered"]);
  expect(delivery).toMatchObject({ attempt_count: 3, success: true, webhook_id: webhook.id });
  expect(delivery.attempts.map((attempt) => [attempt.number, attempt.outcome, attempt.status_code])).toEqual([
    [1, "failed", 500],
    [2, "failed", 500],
    [3, "succeeded", 200],
  ]);
  for (const [index, attempt] of delivery.attempts.entries()) {
    expect(attempt.request.body).toBe(requests[index]?.body.toString());
    expect(attempt.request.headers["webhook-signature"]).toBe(requests[index]?.header("webhook-signature"));
    expect(attempt.response).toMatchObject({
      status: [500, 500, 200][index],
      body: ["not today", "not today", ""][index],
    });
  }
  expect(await logOf(deliveryId)).toEqual([
    "delivery.created",
    "attempt.failed",
    "attempt.failed",
    "attempt.succeeded",
  ]);
});

it("ends exhausted after exactly its attempts", async () => {
  const receiver = await receiving({ script: [503] });
  const webhook = await tenant.subscribe({ url: receiver.url, events: ["bundle.*"], retry_schedule_s: [1, 1] });
  await tenant.publish({ type: "bundle.activated", data: {} });
  await receiver.waitFor(3, 15_000);
  const [delivery] = await tenant.deliveriesOf(webhook.id);
  const ended = await tenant.settled(delivery?.id ?? "", ["exhausted"]);
  expect(ended).toMatchObject({ reason: "attempts_exhausted", attempt_count: 3, success: false });
  const failures = Array.from({ length: 3 }, () => "attempt.failed");
  expect(await logOf(ended.id)).toEqual(["delivery.created", ...failures, "delivery.exhausted"]);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(receiver.requests).toHaveLength(3);
});

it("makes one attempt when the schedule is empty, and says what went wrong", async () => {
  const receiver = await receiving({ script: [{ kind: "reset" }] });
  const webhook = await tenant.subscribe({ url: receiver.url, events: ["reset"], retry_schedule_s: [] });
  await tenant.publish({ type: "reset", data: {} });
  await receiver.waitFor(1);
  const delivery = await waitUntil(async () => {
    const [first] = await tenant.deliveriesOf(webhook.id);
    return first?.status === "exhausted" ? first : undefined;
  });
  expect((await tenant.settled(delivery.id, ["exhausted"])).attempts).toMatchObject([
    { outcome: "failed", error_class: "reset", status_code: null, response: null },
  ]);
});

it("cancels what is pending for a deleted webhook", async () => {
  const receiver = await receiving({ script: [500] });
  const webhook = await tenant.subscribe({ url: receiver.url, events: ["gone.*"], retry_schedule_s: [2] });
  await tenant.publish({ type: "gone.soon", data: {} });
  const [request] = await receiver.waitFor(1);
  expect((await tenant.api("DELETE", `/v1/orgs/${tenant.orgId}/webhooks/${webhook.id}`)).status).toBe(204);
  const delivery = await tenant.settled(request?.header("webhook-id") ?? "", ["cancelled"]);
  expect(delivery).toMatchObject({ reason: "webhook_deleted", attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
});

/** The types of a delivery's raw log, oldest first. */
async function logOf(deliveryId: string): Promise<string[]> {
  const answer = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/deliveries/${deliveryId}/log`);
  return expectAnswer<{ items: { type: string }[] }>(answer, 200).items.map((event) => event.type);
}

function expectDelay(actualMs: number, scheduledMs: number): void {
  expect(actualMs).toBeGreaterThanOrEqual(scheduledMs - EARLY_MS_MAX);
  expect(actualMs).toBeLessThanOrEqual(scheduledMs + LATE_MS_MAX);
}

function headersOf(request: Receiver["requests"][number]): Record<string, string> {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  return Object.fromEntries(names.map((name) => [name, request.header(name) ?? ""]));
}
