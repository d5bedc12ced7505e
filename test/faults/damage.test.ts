/** What an operator's mistake or a lost disk does to a running stack: it goes on by itself, and says what is lost. */

import { BusConnection, CONFIG_STREAM, STREAMS } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { type Load, openLoad, reportedRepeats } from "./published-load.ts";
import { sized } from "./sizes.ts";

const EVENTS = 400;
const EVENTS_PER_SECOND = 200;
const ARRIVED_MS_MAX = 60_000;
/** Work items that get lost. What has not moved for 130 s is looked at, so only the full size has the time. */
const LOST = sized({ short: 0, full: 50 });
const RECONCILE_AFTER_S = 130;
/** By then a lease of the frozen dispatcher has run out. */
const LEASE_OVER_MS = 70_000;

let stack: TestStack;
let load: Load;
let connection: BusConnection;
beforeAll(async () => {
  const scheduler = { POSTHORN_RECONCILE_AFTER_S: String(RECONCILE_AFTER_S) };
  stack = await startTestStack({ serviceEnv: { scheduler } });
  load = await openLoad(stack, { eventsPerSecond: EVENTS_PER_SECOND });
  connection = await BusConnection.open({ servers: stack.stack.natsUrl, name: "test" });
});
afterAll(async () => {
  await connection[Symbol.asyncDispose]();
  await load[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

function repeats(): number {
  return [...load.arrivals().values()].reduce((sum, count) => sum + count - 1, 0);
}

it("loses nothing when every consumer of every stream is deleted under load, and says what it repeats", async () => {
  const { consumers } = connection.manager;
  const publishing = load.publish(EVENTS);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  for (const stream of STREAMS) {
    for await (const { name } of consumers.list(stream)) await consumers.delete(stream, name);
  }
  await publishing;
  await load.allArrived(ARRIVED_MS_MAX);
  expect(load.arrivals().size).toBe(EVENTS);
  expect(repeats()).toBeLessThanOrEqual(await reportedRepeats(stack, load.tenant));
}, 120_000);

it("goes on with new streams and a new bucket when all of them are deleted, and history keeps what it had", async () => {
  const { streams } = connection.manager;
  const before = load.accepted.size;
  await waitUntil(async () => (await deliveredCount()) === before, { timeoutMs: ARRIVED_MS_MAX });
  for (const stream of [...STREAMS, CONFIG_STREAM]) await streams.delete(stream);
  await load.publish(EVENTS);
  await load.allArrived(ARRIVED_MS_MAX);
  expect(load.accepted.size).toBe(before + EVENTS);
  expect(load.arrivals().size).toBe(before + EVENTS);
  await waitUntil(async () => (await deliveredCount()) === before + EVENTS, {
    describe: "the history of all deliveries",
    timeoutMs: ARRIVED_MS_MAX,
  });
}, 120_000);

it.runIf(LOST > 0)(
  "makes work items again that got lost while nobody could take them, and each arrives once",
  async () => {
    const before = load.accepted.size;
    const { streams } = connection.manager;
    stack.stack.kill("dispatcher", "SIGSTOP");
    try {
      await load.publish(LOST);
      await waitUntil(async () => (await streams.info("DELIVER")).state.messages > 0, { timeoutMs: ARRIVED_MS_MAX });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await streams.purge("DELIVER");
      await new Promise((resolve) => setTimeout(resolve, LEASE_OVER_MS));
    } finally {
      stack.stack.kill("dispatcher", "SIGCONT");
    }
    expect(load.arrivals().size).toBe(before);
    await load.allArrived(300_000);
    expect(load.arrivals().size).toBe(before + LOST);
    expect(repeats()).toBeLessThanOrEqual(await reportedRepeats(stack, load.tenant));
  },
  480_000,
);

/** All that history calls delivered. */
async function deliveredCount(): Promise<number> {
  const { tenant } = load;
  let count = 0;
  let cursor = "";
  do {
    const query = `status=delivered&limit=500${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { body } = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/deliveries?${query}`);
    const page = body as { readonly items: readonly unknown[]; readonly next_cursor: string | null };
    count += page.items.length;
    cursor = page.next_cursor ?? "";
  } while (cursor !== "");
  return count;
}
