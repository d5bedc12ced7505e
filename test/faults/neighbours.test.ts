/** A receiver that hangs, and many that are dead, move nobody else's latency. */

import { type Receiver, startReceiver } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { memoryMbOf } from "../bench/process-usage.ts";
import { createTenant, type Tenant } from "../tenant.ts";
import { latenciesMs, percentile, publishPaced } from "./paced-load.ts";
import { sized } from "./sizes.ts";

const PER_SECOND = sized({ short: 200, full: 1_000 });
/** Every figure is the median of so many windows: a machine that stalls for a moment spoils one of them. */
const WINDOWS = 5;
const WINDOW_MS = sized({ short: 2_000, full: 10_000 });
/** Below this a difference is one of the machine, not of a neighbour. */
const NOISE_MS = 40;
const SLOWDOWN_MAX = 1.5;
const GROWTH_MB_MAX = 120;
const [WEBHOOKS, DEAD] = [sized({ short: 100, full: 1_000 }), sized({ short: 10, full: 100 })];

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** The median over the windows of the healthy receiver's p99, in milliseconds. */
async function p99(
  tenant: Tenant,
  healthy: Receiver,
  load: { readonly perSecond: number; readonly typeOf: (index: number) => string },
  isHealthy: (index: number) => boolean,
): Promise<number> {
  const windows: number[] = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    const before = healthy.requests.length;
    const sent = await publishPaced(tenant, { perSecond: load.perSecond, forMs: WINDOW_MS }, load.typeOf);
    const expected = Array.from({ length: sent }, (_, index) => index).filter(isHealthy).length;
    const requests = await healthy.waitFor(before + expected, 20_000);
    windows.push(percentile(latenciesMs(requests.slice(before)), 0.99));
  }
  return percentile(
    windows.sort((a, b) => a - b),
    0.5,
  );
}

function dispatcherMb(): number {
  const { dispatcher = 0 } = stack.stack.pids();
  return memoryMbOf({ dispatcher }).dispatcher ?? Number.NaN;
}

it("one of two webhooks hangs at half of all traffic", async () => {
  const tenant = await createTenant(stack, "hanging neighbour");
  await using healthy = await startReceiver();
  await using other = await startReceiver();
  await tenant.subscribe({ url: healthy.url, events: ["good.*"] });
  await tenant.subscribe({ url: other.url, events: ["bad.*"], timeout_ms: 5_000 });
  // The same traffic before: it is the hanging that is measured, not what more traffic costs.
  const isGood = (index: number) => index % 2 === 0;
  const load = { perSecond: 2 * PER_SECOND, typeOf: (index: number) => (isGood(index) ? "good.event" : "bad.event") };
  const without = await p99(tenant, healthy, load, isGood);
  const memoryMb = dispatcherMb();
  other.answerWith([{ kind: "hang" }]);
  const beside = await p99(tenant, healthy, load, isGood);
  const grownMb = dispatcherMb() - memoryMb;
  console.log(
    `p99 while nobody hangs ${without} ms, beside one that hangs ${beside} ms; dispatcher grew by ${grownMb.toFixed(0)} MB`,
  );
  expect(beside).toBeLessThanOrEqual(SLOWDOWN_MAX * Math.max(without, NOISE_MS));
  expect(grownMb).toBeLessThan(GROWTH_MB_MAX);
}, 300_000);

it("a tenth of many webhooks is dead", async () => {
  const tenant = await createTenant(stack, "dead neighbours");
  await using healthy = await startReceiver();
  await using hanging = await startReceiver({ script: [{ kind: "hang" }] });
  const urlOf = (index: number) => {
    if (index >= DEAD) return healthy.url;
    return index % 2 === 0 ? hanging.url : "http://127.0.0.1:9/";
  };
  for (let index = 0; index < WEBHOOKS; index += 1) {
    await tenant.subscribe({ url: urlOf(index), events: [`w${index}.*`], timeout_ms: 5_000 });
  }
  const aliveOnly = (index: number) => `w${DEAD + (index % (WEBHOOKS - DEAD))}.event`;
  const alone = await p99(tenant, healthy, { perSecond: PER_SECOND, typeOf: aliveOnly }, () => true);
  const all = (index: number) => `w${index % WEBHOOKS}.event`;
  const load = { perSecond: PER_SECOND, typeOf: all };
  const beside = await p99(tenant, healthy, load, (index) => index % WEBHOOKS >= DEAD);
  console.log(`p99 alone ${alone} ms, beside ${DEAD} dead of ${WEBHOOKS} ${beside} ms`);
  expect(beside).toBeLessThanOrEqual(SLOWDOWN_MAX * Math.max(alone, NOISE_MS));
}, 300_000);
