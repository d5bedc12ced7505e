import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES, type ServiceName } from "../../deploy/local/service-table.ts";
import type { StackEvent } from "../../deploy/local/stack-events.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant } from "../tenant.ts";
import { registerWebhooks } from "./answered-changes.ts";
import { attemptFigures } from "./attempt-figures.ts";
import { type CrashLoad, numberOfEvent, startCrashLoad } from "./crash-load.ts";
import { CRASH_POINTS, CRASHING_SERVICES, type CrashingService, crashEnvironment } from "./crash-points.ts";
import { insist, publishInsistently } from "./insistent-calls.ts";
import { createTenantApart, loseWork } from "./lost-work.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const REPLAYED = 20;
/** One reconciler's round to the next, and twice that for a machine that does other things, too. */
const RECONCILED_MS_MAX = 90_000;
/** What may be in flight when a dispatcher dies: this load has far less than one webhook may have under way. */
const IN_FLIGHT_MAX = 64;
/** From the request to stop to the end of the process, whatever it had under way. */
const STOP_MS_MAX = 8_000;

let stack: TestStack;
let load: CrashLoad;
let lostDelivery: string;
let replayId: string;
const owned = new AsyncDisposableStack();
beforeAll(async () => {
  stack = owned.use(await startTestStack({ serviceEnv: crashEnvironment() }));
  load = owned.use(await startCrashLoad(stack));
});
afterAll(() => owned.disposeAsync());

describe("processes that die at every unlucky moment", () => {
  let registered: readonly string[];

  it("are started again, and die at the next one, until each has been", async () => {
    const registering = registerWebhooks(load.tenant, load.receiver, () => hasDied("api", CRASH_POINTS.api.length));
    await load.publish("replayed", REPLAYED);
    await diedAt("scheduler", "scheduler.run-claimed");
    // One that api dies of before it answers would be asked for twice.
    await diedAt("api", "api.logged");
    replayId = await startReplay();
    await diedAt("scheduler", "scheduler.page-logged");
    const apart = await createTenantApart(stack, load.tenant);
    lostDelivery = await loseWork(stack, apart, `${load.receiver.url}/lost`);
    for (const service of CRASHING_SERVICES) {
      if (service !== "scheduler") await diedAt(service, CRASH_POINTS[service].at(-1) ?? "");
    }
    registered = await registering;
    await load.stop();
    load.heal();
  }, 120_000);

  it("hurt nobody by being stopped as they should", async () => {
    const others = SERVICE_NAMES.filter((service) => service !== "matcher" && service !== "scheduler");
    expect(await marksAfterStops([...others, "scheduler"])).toBe(0);
    // What is stored before a matcher begins is marked: a broker that was restarted may have forgotten who had it.
    await marksAfterStops(["matcher"]);
  }, 180_000);

  it("lose nothing, and repeat only what was in flight and is reported", async () => {
    const { tenant, accepted } = load;
    await waitUntil(() => load.arrivals("/lost").size === 1, { timeoutMs: 60_000, describe: "the lost delivery" });
    expect([...load.arrivals("/lost").keys()]).toEqual([lostDelivery]);
    const undelivered = async () =>
      [...(await attemptFigures(stack, tenant.orgId)).values()].filter((of) => of.delivered < of.deliveries).length;
    await waitUntil(async () => (await undelivered()) === 0, {
      timeoutMs: 90_000,
      everyMs: 500,
      describe: "everything to be delivered",
    });
    const figures = await attemptFigures(stack, tenant.orgId);
    const arrived = (path: string) => load.arrivals(path).size;
    expect(arrived("/fast")).toBe(accepted.get("load"));
    expect(arrived("/flaky")).toBe(accepted.get("load"));
    expect(arrived("/down")).toBe(accepted.get("down"));
    expect(arrived("/ordered")).toBe(accepted.get("ordered"));
    expect(arrived("/replayed")).toBe(REPLAYED);
    const replayed = [...load.arrivals("/replayed").keys()].filter((id) => figures.get(id)?.deliveries === 2);
    const replay = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/replays/${replayId}`);
    expect(replay.body).toMatchObject({ state: "finished", done: replayed.length });

    let repeats = 0;
    for (const [id, requests] of Map.groupBy(load.receiver.requests, (one) => one.header("webhook-id") ?? "")) {
      if (id === lostDelivery) continue;
      const { attempts, reportedRepeats } = figures.get(id) ?? { attempts: 0, reportedRepeats: 0 };
      const repeatsOfIt = Math.max(0, requests.length - attempts);
      // Who dies over a repeat cannot report it, too: the one after it says that there may have been some.
      if (repeatsOfIt > 0) expect(reportedRepeats, `${id}, on ${requests[0]?.path}`).toBeGreaterThan(0);
      repeats += repeatsOfIt;
    }
    console.log(`${load.receiver.requests.length} requests, of which ${repeats} were repeats`);
    expect(repeats).toBeLessThanOrEqual(CRASH_POINTS.dispatcher.length * IN_FLIGHT_MAX);
  }, 180_000);

  it("keep the order of those who want one", () => {
    const ordered = load.receiver.requests.filter(({ path }) => path === "/ordered").map(numberOfEvent);
    expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
  });

  it("leave every change in force that was answered", () => {
    expect(registered.length).toBeGreaterThan(0);
    for (const path of registered) expect(load.arrivals(path).size, path).toBe(1);
  });

  it("leave projections that the archive gives again", async () => {
    await promisify(execFile)(process.execPath, ["services/projector/src/rebuild-main.ts", "--verify"], {
      cwd: ROOT,
      env: { ...process.env, DATABASE_URL: stack.stack.databaseUrl },
    });
  }, 60_000);

  it("died as often as they were told to, and by nothing else", () => {
    const ends = (service: string) =>
      endsOf(service).map(({ exit }) => (exit.kind === "signal" ? exit.signal : exit.code));
    for (const service of SERVICE_NAMES) {
      const points = service in CRASH_POINTS ? CRASH_POINTS[service as CrashingService] : [];
      expect([service, ...ends(service)]).toEqual([service, ...points.map(() => "SIGKILL"), 0]);
    }
  });
});

/** A process that is told to die at one place dies nowhere else. */
async function diedAt(service: CrashingService, point: string): Promise<void> {
  const deaths = CRASH_POINTS[service].findIndex((one) => one === point || one.startsWith(`${point}:`)) + 1;
  await waitUntil(() => hasDied(service, deaths), {
    timeoutMs: service === "scheduler" && point === "scheduler.reconciled" ? RECONCILED_MS_MAX : 60_000,
    describe: () => `the ${service} to die at ${point}; it died ${endsOf(service).length} times`,
  });
}

function hasDied(service: CrashingService, times: number): boolean {
  return endsOf(service).length >= times;
}

function endsOf(service: string) {
  return stack.events.filter((event) => isEnd(event) && event.name === service).filter(isEnd);
}

function isEnd(event: StackEvent): event is Extract<StackEvent, { kind: "ended" }> {
  return event.kind === "ended";
}

/** Of what has been delivered by now. */
async function startReplay(): Promise<string> {
  const { tenant, replayedWebhook } = load;
  const delivered = async () => (await tenant.deliveriesOf(replayedWebhook)).some((one) => one.status === "delivered");
  await waitUntil(delivered, { timeoutMs: 60_000, describe: "something to be there that can be replayed" });
  const range = { since: new Date(Date.now() - 3_600_000).toISOString() };
  const path = `/v1/orgs/${tenant.orgId}/webhooks/${replayedWebhook}/replay`;
  const { body } = await insist(202, () => tenant.api("POST", path, range));
  return (body as { id: string }).id;
}

/**
 * Stops one service after the other, each in time, with slow requests under way, and nothing is lost or repeated.
 * @returns how many attempts are marked as possible repeats.
 */
async function marksAfterStops(services: readonly ServiceName[]): Promise<number> {
  const tenant = await createTenant(stack, "stops");
  await using receiver = await startReceiver({
    script: ({ path, index }) =>
      path === "/slow" ? { kind: "respond", status: 200, delayMs: 1_000 + (index % 2) * 1_000 } : 200,
  });
  for (const path of ["/quick", "/slow"]) await tenant.subscribe({ url: receiver.url + path, events: ["stop.*"] });
  const stopping = new AbortController();
  const publishing: Promise<string>[] = [];
  const publishAll = async () => {
    for (let number = 0; !stopping.signal.aborted; number += 1) {
      publishing.push(publishInsistently(tenant, { type: "stop.event", id: `stop-${number}`, data: { number } }));
      await sleep(50);
    }
  };
  const published = publishAll();
  for (const service of services) {
    if (service === "scheduler") await diedAt(service, "scheduler.reconciled");
    await stack.awaitReady();
    await sleep(500);
    const ends = endsOf(service).length;
    const startedMs = performance.now();
    stack.stack.kill(service, "SIGTERM");
    await waitUntil(() => endsOf(service).length > ends, { timeoutMs: 2 * STOP_MS_MAX, describe: `${service} to end` });
    expect(performance.now() - startedMs, `time that ${service} took to stop`).toBeLessThan(STOP_MS_MAX);
  }
  stopping.abort();
  await published;
  const accepted = new Set(await Promise.all(publishing));
  const isComplete = async () => {
    const figures = [...(await attemptFigures(stack, tenant.orgId)).values()];
    return figures.length === 2 * accepted.size && figures.every(({ delivered }) => delivered === 1);
  };
  await waitUntil(isComplete, { timeoutMs: 60_000, everyMs: 500, describe: "all to be delivered" });
  const arrivals = Map.groupBy(receiver.requests, (request) => request.header("webhook-id") ?? "");
  expect(arrivals.size).toBe(2 * accepted.size);
  for (const requests of arrivals.values()) expect(requests).toHaveLength(1);
  const figures = await attemptFigures(stack, tenant.orgId);
  return [...figures.values()].reduce((marks, { reportedRepeats }) => marks + reportedRepeats, 0);
}
