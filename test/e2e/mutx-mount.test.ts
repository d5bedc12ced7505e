/** MUTX's users move over by changing the base URL: their quick start, on a whole stack, against real receivers. */

import { createHmac } from "node:crypto";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { restClient } from "../../deploy/local/rest-client.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";

let stack: TestStack;
let tenant: Tenant;
let mutx: ReturnType<typeof restClient>;
const receivers: Receiver[] = [];
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "mutx");
  mutx = restClient(`${stack.stack.apiUrl}/compat/mutx`, tenant.key);
});
afterAll(async () => {
  for (const receiver of receivers) await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

async function receiving(script: Parameters<typeof startReceiver>[0] = {}): Promise<Receiver> {
  const receiver = await startReceiver(script);
  receivers.push(receiver);
  return receiver;
}

type Listed = {
  readonly items: readonly { readonly id: string; readonly event: string; readonly success: boolean }[];
  readonly deliveries: readonly unknown[];
};

async function deliveries(webhookId: string, query: string, isThere: (listed: Listed) => boolean): Promise<Listed> {
  return waitUntil(
    async () => {
      const answer = await mutx("GET", `/v1/webhooks/${webhookId}/deliveries${query}`);
      const listed = expectAnswer<Listed>(answer, 200);
      return isThere(listed) ? listed : undefined;
    },
    { describe: "the deliveries in MUTX's list", timeoutMs: 15_000 },
  );
}

it("serves the quick start: create, list, test, deliver, look at the deliveries, change, delete", async () => {
  const receiver = await receiving();
  const secret = "your-webhook-secret";
  const body = { url: receiver.url, events: ["agent.*", "deployment.*"], secret };
  const { id } = expectAnswer<{ id: string }>(await mutx("POST", "/v1/webhooks/", body), 201);
  expect(expectAnswer<Listed>(await mutx("GET", "/v1/webhooks?limit=10"), 200).items).toMatchObject([{ id }]);

  const tested = { status: "test_delivered", message: "Test event delivered successfully" };
  expect(expectAnswer(await mutx("POST", `/v1/webhooks/${id}/test`), 200)).toEqual(tested);
  await tenant.publish({ type: "agent.status", data: { agent_id: "7", new_status: "up" } });
  await tenant.publish({ type: "metrics.report", data: {} });
  const [test, event] = await receiver.waitFor(2);
  expect(JSON.parse(test?.body.toString() ?? "")).toMatchObject({
    event: "test",
    data: { message: "This is a test webhook from MUTX", event: "test" },
  });
  for (const request of [test, event]) {
    const bytes = request?.body ?? Buffer.alloc(0);
    const digest = createHmac("sha256", secret).update(bytes).digest("hex");
    expect(request?.header("x-webhook-signature")).toBe(`sha256=${digest}`);
    expect(JSON.stringify(JSON.parse(bytes.toString()))).toBe(bytes.toString());
  }

  const all = await deliveries(id, "", ({ items }) => items.length === 2 && items.every(({ success }) => success));
  expect(all.items.map((item) => item.event)).toEqual(["agent.status", "test"]);
  expect(all.deliveries).toEqual(all.items);
  const filtered = await deliveries(id, "?event=agent.status&success=true&limit=20", () => true);
  expect(filtered.items).toMatchObject([
    {
      webhook_id: id,
      id: event?.header("x-webhook-delivery-id"),
      payload: '{"agent_id":"7","new_status":"up"}',
      status_code: 200,
      attempts: 1,
    },
  ]);

  expect(expectAnswer(await mutx("PATCH", `/v1/webhooks/${id}`, { is_active: false }), 200)).toMatchObject({
    is_active: false,
  });
  expect((await mutx("DELETE", `/v1/webhooks/${id}`)).status).toBe(204);
});

it("sends without a legacy signature when there is no secret", async () => {
  const receiver = await receiving();
  const { id } = expectAnswer<{ id: string }>(await mutx("POST", "/v1/webhooks", { url: receiver.url }), 201);
  expectAnswer(await mutx("POST", `/v1/webhooks/${id}/test`), 200);
  const [request] = await receiver.waitFor(1);
  expect(request?.header("x-webhook-signature")).toBe(undefined);
  expect(request?.header("webhook-signature")).toMatch(/^v1,/);
  expect((await mutx("DELETE", `/v1/webhooks/${id}`)).status).toBe(204);
});

it("tells of failures: a test with 502, a delivery with its error, a retry with what came of it", async () => {
  const receiver = await receiving({ script: [{ kind: "respond", status: 500, body: "no" }, 500, 500, 200] });
  const body = { url: receiver.url, events: ["agent.error"] };
  const { id } = expectAnswer<{ id: string }>(await mutx("POST", "/v1/webhooks/", body), 201);
  const test = await mutx("POST", `/v1/webhooks/${id}/test`);
  expect(test).toMatchObject({
    status: 502,
    body: { detail: "Failed to deliver test event: receiver answered 500" },
  });
  await tenant.publish({ type: "agent.error", data: {} });
  const failed = await deliveries(id, "?event=agent.error&success=false", ({ items }) => items.length === 1);
  expect(failed.items).toMatchObject([{ status_code: 500, error_message: "receiver answered 500", attempts: 1 }]);

  const retry = { delivery_id: failed.items[0]?.id };
  expect(await mutx("POST", "/v1/webhooks/retry", retry)).toMatchObject({
    status: 502,
    body: { detail: "Failed to deliver retry: receiver answered 500" },
  });
  expect(await mutx("POST", "/v1/webhooks/retry", retry)).toMatchObject({
    status: 200,
    body: { status: "retry_delivered", original_delivery_id: retry.delivery_id },
  });
  expect(new Set(receiver.requests.slice(1).map((request) => request.header("webhook-id"))).size).toBe(1);
});
