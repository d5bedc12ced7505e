import { type Receiver, startReceiver } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";

let stack: TestStack;
let receiver: Receiver;
let first: Tenant;
let second: Tenant;
beforeAll(async () => {
  stack = await startTestStack();
  receiver = await startReceiver();
  first = await createTenant(stack, "first");
  second = await createTenant(stack, "second");
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("gives an event to the webhooks that match, once each, byte for byte, and to no other organisation", async () => {
  const path = (name: string) => ({ url: `${receiver.url}/${name}` });
  await first.subscribe({ ...path("agent"), events: ["agent.*", "agent.status"] });
  await first.subscribe({ ...path("all"), events: ["*"] });
  const other = await first.subscribe({ ...path("deployment"), events: ["deployment.created"] });
  await second.subscribe({ ...path("foreign"), events: ["*"] });

  const data = '{ "z":1, "a": [1.0, 123456789012345678901234567890],\t"\\u00e9": "\\/é", "": -0 }';
  await first.publish(`{"type":"agent.status","data": ${data} }`);
  await second.publish({ type: "run.status", data: null });

  await receiver.waitFor(3);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const paths = receiver.requests.map((request) => request.path).sort();
  expect(paths).toEqual(["/agent", "/all", "/foreign"]);
  for (const request of receiver.requests.filter((one) => one.path !== "/foreign")) {
    expect(request.body.toString()).toContain(`"data":${data}}`);
  }
  expect(receiver.requests.find((one) => one.path === "/foreign")?.body.toString()).toContain('"data":null}');
  expect(await first.deliveriesOf(other.id)).toEqual([]);
});

it("shows a skipped delivery for a paused webhook, and parks what was pending until it is active again", async () => {
  const paused = await first.subscribe({ url: `${receiver.url}/paused`, events: ["paused.*"], is_active: false });
  const eventId = await first.publish({ type: "paused.one", data: {} });
  const [skipped] = await waitForDeliveries(first, paused.id, 1);
  expect(skipped).toMatchObject({ event_id: eventId, status: "skipped", reason: "webhook_inactive", attempt_count: 0 });

  const flaky = await startReceiver({ script: [500, 200] });
  try {
    const webhook = await first.subscribe({ url: flaky.url, events: ["later.*"], retry_schedule_s: [2] });
    await first.publish({ type: "later.one", data: {} });
    await flaky.waitFor(1);
    await setActive(first, webhook.id, false);
    const [delivery] = await waitForDeliveries(first, webhook.id, 1);
    const parked = await first.settled(delivery?.id ?? "", ["parked"]);
    expect(parked).toMatchObject({ reason: "webhook_inactive", attempt_count: 1 });
    expect(flaky.requests).toHaveLength(1);
    await setActive(first, webhook.id, true);
    await first.settled(parked.id, ["delivered"]);
    expect(flaky.requests).toHaveLength(2);
  } finally {
    await flaky[Symbol.asyncDispose]();
  }
});

async function setActive(tenant: Tenant, webhookId: string, isActive: boolean): Promise<void> {
  const answer = await tenant.api("PATCH", `/v1/orgs/${tenant.orgId}/webhooks/${webhookId}`, { is_active: isActive });
  expect(answer.status).toBe(200);
}

async function waitForDeliveries(tenant: Tenant, webhookId: string, count: number) {
  for (;;) {
    const deliveries = await tenant.deliveriesOf(webhookId);
    if (deliveries.length >= count) return deliveries;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
