/**
 * The nastiest receivers of the guard's table, all at once on one engine, beside a healthy webhook that must not notice.
 * One name leads somewhere else as soon as its webhook is made, and the name server of another talks garbage.
 */

import { readFileSync } from "node:fs";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { startReceiver as startHostile } from "../../packages/egress/src/client/receiver.fixture.ts";
import { type NameServer, startNameServer } from "../../packages/egress/src/dns/name-server.fixture.ts";
import { HOSTILE_RECEIVERS } from "../../packages/egress/src/hostile/hostile-receivers.fixture.ts";
import { HOSTILE_TLS } from "../../packages/egress/src/hostile/hostile-tls.fixture.ts";
import { createTenant, expectAnswer, type Tenant } from "../tenant.ts";

/** What history says of each attempt: the class of its error, or the status of its answer. */
const PLAIN: Readonly<Record<string, string | number>> = {
  "one that accepts and says nothing": "timeout",
  "a drip-fed header": "timeout",
  "a drip-fed body": 200,
  "endless headers": "too_large",
  "a flood of interim answers": "too_large",
  "an endless body": 200,
  "a gzip bomb": 200,
  "a redirect (307) to the metadata service": 307,
  "a reset after the request": "reset",
  "another protocol": "reset",
};
const TLS: Readonly<Record<string, string>> = { "a self-signed certificate": "tls", "plain HTTP": "tls" };

const EVENTS = 150;
const EVENTS_PER_SECOND = 20;
/** Long enough for those that answer at once: they share one process with all that flood. */
const TIMEOUT_MS = 3_000;
/** From the accept to the healthy receiver, for every event. */
const HEALTHY_DELAY_MS_MAX = 2_000;
const DISPATCHER_GROWTH_BYTES_MAX = 200 * 2 ** 20;
const KEPT_BODY_CHARACTERS_MAX = 10_240;

type Told = {
  readonly id: string;
  readonly attempt_count: number;
  readonly last_error_class: string | null;
  readonly last_status_code: number | null;
};

let stack: TestStack;
let tenant: Tenant;
let names: NameServer;
let healthy: Receiver;
let isRebound = false;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  names = owned.use(
    await startNameServer({
      "rebound.test": () => ({ a: [isRebound ? "127.0.0.3" : "127.0.0.2"], ttlS: 0 }),
      "lying.test": { a: ["127.0.0.1"], lie: "garbage" },
    }),
  );
  stack = await startTestStack({
    env: { POSTHORN_DNS_SERVERS: names.server, POSTHORN_ALLOWED_TARGETS: "127.0.0.1/32,127.0.0.2/32" },
  });
  tenant = await createTenant(stack, "hostile");
  healthy = owned.use(await startReceiver());
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await owned.disposeAsync();
});

it("delivers to a healthy webhook while every other one does its worst, and tells of each what it did", async () => {
  await tenant.subscribe({ url: healthy.url, events: ["load.*"] });
  const evil = owned.use(await startHostile({ address: "127.0.0.3" }));
  const hostile = new Map<string, string | number>();
  for (const [what, told] of [...Object.entries(PLAIN), ...Object.entries(TLS)]) {
    hostile.set(await subscribeTo(await startNasty(what)), told);
  }
  hostile.set(await subscribeTo(`http://rebound.test:${evil.port}/`), "blocked");
  hostile.set(await subscribeTo("http://lying.test/"), "dns");
  isRebound = true;

  await publish(EVENTS / 10);
  const before = dispatcherBytes();
  let mostBytes = before;
  await publish(EVENTS, () => {
    mostBytes = Math.max(mostBytes, dispatcherBytes());
  });
  await healthy.waitFor(EVENTS + EVENTS / 10, 30_000);

  const delays = healthy.requests.map((request) => request.arrivedAtMs - publishedAtMs(request.body));
  expect(Math.max(...delays)).toBeLessThan(HEALTHY_DELAY_MS_MAX);
  expect(new Set(healthy.requests.map((request) => request.header("webhook-id"))).size).toBe(EVENTS + EVENTS / 10);
  for (const [webhookId, told] of hostile) await expectHistory(webhookId, told);
  expect(evil.sockets).toHaveLength(0);
  expect(mostBytes - before).toBeLessThan(DISPATCHER_GROWTH_BYTES_MAX);
});

/** @returns the URL of a receiver with this name in the guard's tables. */
async function startNasty(what: string): Promise<string> {
  const plain = HOSTILE_RECEIVERS.find(([name]) => name === what)?.[2];
  const tls = HOSTILE_TLS.find((each) => each.what === what)?.behaviour;
  const behaviour = plain ?? tls;
  if (behaviour === undefined) throw new Error(`there is no receiver "${what}"`);
  const receiver = owned.use(await startHostile({ ...behaviour, remembers: false }));
  return `${plain === undefined ? "https" : "http"}://127.0.0.1:${receiver.port}/`;
}

async function subscribeTo(url: string): Promise<string> {
  const webhook = await tenant.subscribe({ url, events: ["load.*"], timeout_ms: TIMEOUT_MS, retry_schedule_s: [] });
  return webhook.id;
}

async function publish(count: number, onPublished = () => {}): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    await tenant.publish({ type: "load.event", data: { publishedAtMs: Date.now() } });
    await new Promise((resolve) => setTimeout(resolve, 1_000 / EVENTS_PER_SECOND));
    onPublished();
  }
}

function publishedAtMs(body: Buffer): number {
  return JSON.parse(body.toString()).data.publishedAtMs;
}

/** Waits until an attempt is in the webhook's history; all of its attempts must tell the same. */
async function expectHistory(webhookId: string, told: string | number): Promise<void> {
  const attempted = await waitUntil(
    async () => {
      const path = `/v1/orgs/${tenant.orgId}/webhooks/${webhookId}/deliveries?limit=500`;
      const { items } = expectAnswer<{ items: Told[] }>(await tenant.api("GET", path), 200);
      const some = items.filter((delivery) => delivery.attempt_count > 0);
      return some.length > 0 ? some : undefined;
    },
    { timeoutMs: 30_000, describe: `an attempt that is told as ${told}` },
  );
  const seen = attempted.map((delivery) => delivery.last_error_class ?? delivery.last_status_code);
  const expected = typeof told === "number" && told >= 300 ? "status" : told;
  expect({ webhookId, seen: [...new Set(seen)] }).toEqual({ webhookId, seen: [expected] });
  if (typeof told !== "number") return;
  expect(attempted[0]?.last_status_code).toBe(told);
  const { attempts } = await tenant.settled(attempted[0]?.id ?? "", ["delivered", "exhausted"]);
  expect(attempts[0]?.response?.body.length).toBeLessThanOrEqual(KEPT_BODY_CHARACTERS_MAX);
}

/** What the dispatcher holds of the machine's memory. */
function dispatcherBytes(): number {
  const pid = Object.entries(stack.stack.pids()).find(([name]) => name.startsWith("dispatcher"))?.[1];
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes) * 1_024;
}
