import { BusConnection } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { type Load, openLoad, reportedRepeats } from "./published-load.ts";

const EVENTS = 1_200;
const EVENTS_PER_SECOND = 50;
const FAN_OUT = 2;
const DELIVERIES = EVENTS * FAN_OUT;
/** Longer than the servers need to elect another leader, shorter than anything waits for one. */
const FROZEN_MS = 6_000;
/** So that most faults meet a cluster that has elected its leaders again; an election of 2.9 takes 4 to 9 s. */
const BETWEEN_FAULTS_MS = 5_000;

let stack: TestStack;
let load: Load;
beforeAll(async () => {
  stack = await startTestStack({ natsLayout: "cluster" });
  load = await openLoad(stack, { eventsPerSecond: EVENTS_PER_SECOND });
  for (let extra = 1; extra < FAN_OUT; extra += 1) {
    await load.tenant.subscribe({ url: load.receiver.url, events: ["load.*"] });
  }
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("loses nothing while a server of the cluster dies, the leader dies and one freezes; repeats are reported", async () => {
  await using bus = await BusConnection.open({ servers: stack.stack.natsUrl, name: "test" });
  const publishing = load.publish(EVENTS);
  await pause(BETWEEN_FAULTS_MS);
  await stack.killAndAwaitRestart(otherThan(await leaderOf(bus, "INGEST")));
  await pause(BETWEEN_FAULTS_MS);
  await stack.killAndAwaitRestart(await leaderOf(bus, "INGEST"));
  await pause(BETWEEN_FAULTS_MS);
  const frozen = await leaderOf(bus, "LOG");
  stack.stack.kill(frozen, "SIGSTOP");
  await pause(FROZEN_MS);
  stack.stack.kill(frozen, "SIGCONT");
  await publishing;
  await waitUntil(() => load.arrivals().size >= DELIVERIES, {
    timeoutMs: 90_000,
    describe: () => `${DELIVERIES} deliveries to arrive, of which ${load.arrivals().size} did`,
  });
  await pause(BETWEEN_FAULTS_MS);

  expect(load.accepted.size).toBe(EVENTS);
  expect(load.arrivals().size).toBe(DELIVERIES);
  const reported = await reportedRepeats(stack, load.tenant);
  const refusals = JSON.stringify([...load.refused]);
  console.log(`repeats: ${repeats()}, of which Posthorn reports ${reported}; refused publishes by status: ${refusals}`);
  expect(repeats()).toBeLessThanOrEqual(reported);
  expect([...load.refused.keys()].filter((status) => status !== 503)).toEqual([]);
  expect(alarms()).toEqual([]);
}, 240_000);

/** The server that leads a stream, asked until there is one. */
function leaderOf(bus: BusConnection, stream: string): Promise<string> {
  const ask = async () => (await bus.manager.streams.info(stream)).cluster?.leader;
  return waitUntil(ask, { timeoutMs: 30_000, describe: `a leader of ${stream}` });
}

function otherThan(name: string): string {
  return name === "nats-1" ? "nats-2" : "nats-1";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What the services took for a loss that was none: another leader holds the same streams. */
function alarms(): readonly string[] {
  return stack.events.flatMap((event) => (event.kind === "warning" && /ALARM/.test(event.text) ? [event.text] : []));
}

function repeats(): number {
  let sum = 0;
  for (const count of load.arrivals().values()) sum += count - 1;
  return sum;
}
