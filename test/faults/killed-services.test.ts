import { afterAll, beforeAll, expect, it } from "vitest";
import { SERVICE_NAMES } from "../../deploy/local/service-table.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { type Load, openLoad, reportedRepeats } from "./published-load.ts";

const EVENTS = 5_000;
const EVENTS_PER_SECOND = 250;
/** A killed dispatcher had at most this many first attempts in hand: only those may be repeated. */
const IN_HAND_MAX = 512;

let stack: TestStack;
let load: Load;
beforeAll(async () => {
  stack = await startTestStack();
  load = await openLoad(stack, { eventsPerSecond: EVENTS_PER_SECOND });
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("loses nothing while each service in turn is killed under load, and repeats only what was in flight", async () => {
  const publishing = load.publish(EVENTS);
  const repeatsAfter: [string, number][] = [];
  for (const service of SERVICE_NAMES) {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await stack.killAndAwaitRestart(service);
    repeatsAfter.push([service, repeats()]);
  }
  await publishing;
  await load.allArrived(120_000);
  await new Promise((resolve) => setTimeout(resolve, 3_000));

  expect(load.accepted.size).toBe(EVENTS);
  expect(load.arrivals().size).toBe(EVENTS);
  const reported = await reportedRepeats(stack, load.tenant);
  console.log(
    `repeats: ${repeats()}, of which Posthorn reports ${reported}; after each kill ${JSON.stringify(repeatsAfter)}`,
  );
  expect(repeats()).toBeLessThanOrEqual(IN_HAND_MAX);
  expect(repeats()).toBeLessThanOrEqual(reported);
}, 240_000);

function repeats(): number {
  let sum = 0;
  for (const count of load.arrivals().values()) sum += count - 1;
  return sum;
}
