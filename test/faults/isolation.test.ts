/**
 * What one receiver can take is its own affair: a rate limit holds over several dispatchers, a dead receiver is left in
 * peace but for probes and gets its backlog when it is back, an ordered one gets its events in order whatever happens.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";
import { mostInAnySecond, numberOf, publishAll } from "./paced-load.ts";
import { sized } from "./sizes.ts";

const RATE = 50;
/** A tenth more in one second is the most that a late arrival may make of it. */
const MOST_IN_A_SECOND = 55;
const LIMITED_EVENTS = sized({ short: 600, full: 6_000 });

const BACKLOG = sized({ short: 1_000, full: 20_000 });
/** The receiver answers 429 to what goes beyond. */
const TAKES_PER_SECOND = 200;
const DEAD_MS = sized({ short: 8_000, full: 60_000 });
/** Probes come one at a time, 5 s apart and then less and less often; a lost one is followed by another. */
const PROBES_MAX = sized({ short: 3, full: 8 });

const ORDERED_EVENTS = sized({ short: 600, full: 5_000 });
const KILLS = sized({ short: 1, full: 5 });
const FAILURE_EVERY = 97;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ counts: { dispatcher: 3 } });
});
afterAll(() => stack[Symbol.asyncDispose]());

it("a rate limit of 50/s with three dispatchers: never above 55 in any second, and everything arrives", async () => {
  const tenant = await createTenant(stack, "rate limit");
  await using receiver = await startReceiver();
  await tenant.subscribe({ url: receiver.url, events: ["*"], rate_limit: RATE });
  await publishAll(tenant, LIMITED_EVENTS, () => "limited.event");
  const startedAtMs = Date.now();
  const requests = await receiver.waitFor(LIMITED_EVENTS, 3 * (LIMITED_EVENTS / RATE) * 1_000);
  const tookS = (Date.now() - startedAtMs) / 1_000;
  const ids = new Set(requests.map((request) => request.header("webhook-id")));
  console.log(`${LIMITED_EVENTS} in ${tookS.toFixed(1)} s; most in any second: ${mostInAnySecond(requests)}`);
  expect(ids.size).toBe(LIMITED_EVENTS);
  expect(mostInAnySecond(requests)).toBeLessThanOrEqual(MOST_IN_A_SECOND);
}, 400_000);

describe.concurrent("while others have their troubles", () => {
  it("a dead receiver is probed, and drained oldest first when it is back, without a loss", async () => {
    const tenant = await createTenant(stack, "dead receiver");
    let isDead = true;
    const takenAtMs: number[] = [];
    const taken = new Set<number>();
    await using receiver = await startReceiver({
      script: (request) => {
        if (isDead) return 503;
        const nowMs = Date.now();
        while ((takenAtMs[0] ?? nowMs) <= nowMs - 1_000) takenAtMs.shift();
        if (takenAtMs.length >= TAKES_PER_SECOND) {
          return { kind: "respond", status: 429, headers: { "retry-after": "1" } };
        }
        takenAtMs.push(nowMs);
        taken.add(numberOf(request));
        return 200;
      },
    });
    const retries = Array.from({ length: 20 }, () => 2);
    const webhook = await tenant.subscribe({ url: receiver.url, events: ["*"], retry_schedule_s: retries });
    await publishAll(tenant, BACKLOG, () => "backlog.event");
    await waitUntil(async () => (await circuitOf(tenant, webhook.id)) === "open", {
      describe: "the circuit to open",
      timeoutMs: 20_000,
    });
    await sleep(2_000);
    const before = receiver.requests.length;
    await sleep(DEAD_MS);
    const probes = receiver.requests.length - before;
    expect(probes).toBeGreaterThan(0);
    expect(probes).toBeLessThanOrEqual(PROBES_MAX);

    isDead = false;
    const back = receiver.requests.length;
    const backAtMs = Date.now();
    await waitUntil(() => taken.size === BACKLOG, {
      describe: () => `${BACKLOG} to be taken, of which ${taken.size} were`,
      timeoutMs: 400_000,
    });
    const numbers = receiver.requests.slice(back).map(numberOf);
    const half = Math.floor(numbers.length / 2);
    const tookS = (Date.now() - backAtMs) / 1_000;
    console.log(`${probes} probes; ${numbers.length} requests for ${BACKLOG} in ${tookS.toFixed(1)} s once back`);
    expect(mean(numbers.slice(0, half))).toBeLessThan(mean(numbers.slice(half)));
    await waitUntil(async () => (await circuitOf(tenant, webhook.id)) === "closed", { timeoutMs: 10_000 });
  }, 600_000);

  it("an ordered webhook: in order, with failures now and then and a dispatcher that is killed", async () => {
    const tenant = await createTenant(stack, "ordered");
    const failedOnce = new Set<number>();
    const answers: Answer[] = [];
    await using receiver = await startReceiver({
      script: (request) => {
        const number = numberOf(request);
        const isTaken = number % FAILURE_EVERY !== 5 || failedOnce.has(number);
        if (!isTaken) failedOnce.add(number);
        answers.push({ number, isTaken });
        return isTaken ? 200 : 500;
      },
    });
    await tenant.subscribe({ url: receiver.url, events: ["*"], ordered: true, retry_schedule_s: [1, 1, 1] });
    await publishAll(tenant, ORDERED_EVENTS, () => "ordered.event");
    const taken = () => new Set(answers.filter(({ isTaken }) => isTaken).map(({ number }) => number)).size;
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(2_000);
      await stack.killAndAwaitRestart(["dispatcher", "dispatcher-2", "dispatcher-3"][kill % 3] ?? "");
    }
    await waitUntil(() => taken() === ORDERED_EVENTS, {
      describe: () => `${ORDERED_EVENTS} events in order, of which ${taken()} came`,
      timeoutMs: 900_000,
    });
    expect(outOfOrder(answers)).toEqual([]);
    expect(failedOnce.size).toBe(Math.ceil((ORDERED_EVENTS - 5) / FAILURE_EVERY));
  }, 1_000_000);
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function circuitOf(tenant: Tenant, webhookId: string): Promise<string> {
  const answer = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/webhooks/${webhookId}`);
  return expectAnswer<{ health: { circuit: string } }>(answer, 200).health.circuit;
}

type Answer = { readonly number: number; readonly isTaken: boolean };

/** An event may come again, by a retry or after a kill, but none may come before the one before it has been taken. */
function outOfOrder(answers: readonly Answer[]): readonly number[] {
  let next = 0;
  const wrong: number[] = [];
  for (const { number, isTaken } of answers) {
    if (number > next) wrong.push(number);
    if (number === next && isTaken) next += 1;
  }
  return wrong;
}
