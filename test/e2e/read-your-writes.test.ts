import { type Receiver, startReceiver } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";

const ROUNDS = 300;
const AT_ONCE = 6;

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  stack = await startTestStack({ counts: { matcher: 2, ingest: 1 } });
  tenant = await createTenant(stack, "read-your-writes");
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("treats every event by the configuration whose change was answered before it was published", async () => {
  const rounds = Array.from({ length: ROUNDS }, (_, index) => index);
  await inTurns(rounds, async (round) => {
    const type = `round.${round}`;
    const webhook = await tenant.subscribe({ url: `${receiver.url}/${round}`, events: [type] });
    await tenant.publish({ type, data: "created" });
    const answer = await tenant.api("DELETE", `/v1/orgs/${tenant.orgId}/webhooks/${webhook.id}`);
    expect(answer.status).toBe(204);
    await tenant.publish({ type, data: "deleted" });
  });
  await receiver.waitFor(1, 10_000);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const bodies = receiver.requests.map((request) => request.body.toString());
  expect(bodies.filter((body) => body.includes('"data":"deleted"'))).toEqual([]);
});

it("delivers 300 of 300 events that follow the creation of their webhook at once", async () => {
  const before = receiver.requests.length;
  const rounds = Array.from({ length: ROUNDS }, (_, index) => index);
  await inTurns(rounds, async (round) => {
    const type = `kept.${round}`;
    await tenant.subscribe({ url: `${receiver.url}/kept/${round}`, events: [type] });
    await tenant.publish({ type, data: {} });
  });
  await receiver.waitFor(before + ROUNDS, 20_000);
  const paths = receiver.requests.slice(before).map((request) => request.path);
  expect(new Set(paths).size).toBe(ROUNDS);
  expect(paths).toHaveLength(ROUNDS);
});

it("lets a key work at ingest as soon as it is made, and not a second after it is revoked", async () => {
  const keys = `/v1/orgs/${tenant.orgId}/api-keys`;
  for (let round = 0; round < 20; round += 1) {
    const made = await tenant.api("POST", keys, { name: `k${round}`, scope: "runtime" });
    const { id, key } = made.body as { id: string; key: string };
    expect(await publishWith(key)).toBe(202);
    expect((await tenant.api("DELETE", `${keys}/${id}`)).status).toBe(204);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await publishWith(key)).toBe(401);
  }
});

async function publishWith(key: string): Promise<number> {
  const response = await fetch(`${stack.stack.ingestUrl}/v1/orgs/${tenant.orgId}/events`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: '{"type":"key.check","data":{}}',
  });
  await response.arrayBuffer();
  return response.status;
}

/** A few rounds at a time, so that the matchers work on batches of several. */
async function inTurns<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
