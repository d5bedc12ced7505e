import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { type Load, openLoad } from "./published-load.ts";

const EVENTS = 2_000;
/** How soon ingest says that it cannot accept. */
const REFUSAL_MS_MAX = 3_000;

let stack: TestStack;
let load: Load;
beforeAll(async () => {
  stack = await startTestStack();
  load = await openLoad(stack, { eventsPerSecond: 250 });
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("loses nothing over a restart of nats-server under load; services come back by themselves", async () => {
  const publishing = load.publish(EVENTS);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await stack.killAndAwaitRestart("nats");
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await stack.killAndAwaitRestart("nats");
  await publishing;
  await load.allArrived(120_000);
  expect(load.accepted.size).toBe(EVENTS);
  expect(load.arrivals().size).toBe(EVENTS);
}, 240_000);

it("answers 503 soon while nats-server does not answer, and accepts again when it does", async () => {
  const pid = stack.stack.pids().nats;
  stack.stack.kill("nats", "SIGSTOP");
  const publish = () => load.tenant.ingest("POST", `/v1/orgs/${load.tenant.orgId}/events`, { type: "x.y", data: 1 });
  try {
    const startedMs = performance.now();
    const answer = await publish();
    expect(answer.status).toBe(503);
    expect(performance.now() - startedMs).toBeLessThan(REFUSAL_MS_MAX);
    expect(answer.headers.get("retry-after")).not.toBeNull();
  } finally {
    if (pid !== undefined) process.kill(pid, "SIGCONT");
  }
  await waitUntil(async () => (await publish()).status === 202, { timeoutMs: 30_000 });
}, 60_000);
