/**
 * One organisation with very many webhooks: reading and changing them, and finding the one that an event is for, takes
 * no longer than with a few. `POSTHORN_TEST_WEBHOOKS` says how many; the figures are printed.
 */

import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { copyWebhooks } from "../copied-webhooks.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";

const WEBHOOKS = Number(process.env.POSTHORN_TEST_WEBHOOKS ?? 10_000);
const COPY_TIMEOUT_MS = 300_000;
const SAMPLES = 150;
/** The machine has other things to do: the quietest of these rounds counts. */
const ROUNDS_MAX = 5;
const P99_MS_MAX = 100;
/** From the call of the publisher to the receiver, through four processes. */
const DELIVERY_P99_MS_MAX = 500;

type Figures = { readonly p50Ms: number; readonly p99Ms: number; readonly rounds: number; readonly isFast: boolean };

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "many");
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const path = () => `/v1/orgs/${tenant.orgId}/webhooks`;
const order = (number: number) => ({ url: `${receiver.url}/none`, events: [`made.${number}.*`, `also.*.${number}`] });

it(
  `creates, lists and reads among ${WEBHOOKS.toLocaleString("en")} webhooks, and finds the ones of an event, without delay`,
  async () => {
    const wanted = await tenant.subscribe({ url: receiver.url, events: ["wanted.*"] });
    const template = await tenant.subscribe(order(0));
    const copiedMs = await timeOf(() => copyWebhooks(stack, template.id, WEBHOOKS));

    const cursor = await cursorInTheMiddle();
    const figures = {
      create: await quietest(async (number) => void (await tenant.subscribe(order(-number - 1)))),
      list: await quietest(async () => void expectAnswer(await tenant.api("GET", `${path()}?limit=100`), 200)),
      "list from the middle": await quietest(
        async () => void expectAnswer(await tenant.api("GET", `${path()}?limit=100&cursor=${cursor}`), 200),
      ),
      get: await quietest(async () => void expectAnswer(await tenant.api("GET", `${path()}/${wanted.id}`), 200)),
      "publish to receive": await quietest(publishAndReceive, DELIVERY_P99_MS_MAX),
    };
    console.log(`${WEBHOOKS} webhooks, copied in ${(copiedMs / 1_000).toFixed(1)} s`);
    console.table(figures);
    for (const [what, { p99Ms, isFast }] of Object.entries(figures)) {
      expect({ what, p99Ms, isFast }).toEqual({ what, p99Ms, isFast: true });
    }
    expect(new Set(receiver.requests.map((request) => request.path))).toEqual(new Set(["/"]));
  },
  COPY_TIMEOUT_MS + 120_000,
);

/** Of a page that lies half-way, found by creation time. */
async function cursorInTheMiddle(): Promise<string> {
  let cursor = "";
  for (let seen = 0; seen < Math.min(WEBHOOKS / 2, 20_000); seen += 500) {
    const page = expectAnswer<{ next_cursor: string }>(await tenant.api("GET", `${path()}?limit=500${cursor}`), 200);
    cursor = `&cursor=${page.next_cursor}`;
  }
  return cursor.replace("&cursor=", "");
}

let publishedNumber = 0;
async function publishAndReceive(): Promise<void> {
  publishedNumber += 1;
  const count = receiver.requests.length + 1;
  await tenant.publish({ type: `wanted.${publishedNumber}`, data: {} });
  await waitUntil(() => receiver.requests.length >= count, { everyMs: 1, timeoutMs: 10_000 });
}

async function timeOf(act: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}

/** Of the first round that is fast enough, else of the fastest. */
async function quietest(act: (number: number) => Promise<void>, p99MsMax = P99_MS_MAX): Promise<Figures> {
  let best: Figures = { p50Ms: Number.POSITIVE_INFINITY, p99Ms: Number.POSITIVE_INFINITY, rounds: 0, isFast: false };
  for (let rounds = 1; rounds <= ROUNDS_MAX && !best.isFast; rounds += 1) {
    const times: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample += 1) times.push(await timeOf(() => act(rounds * SAMPLES + sample)));
    times.sort((a, b) => a - b);
    const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
    const p99Ms = at(0.99);
    if (p99Ms < best.p99Ms) best = { p50Ms: at(0.5), p99Ms, rounds, isFast: p99Ms < p99MsMax };
  }
  return best;
}
