import { setTimeout as sleep } from "node:timers/promises";
import { keepStream, startTestNatsCluster, waitUntil } from "@posthorn/testkit";
import { expect, test } from "vitest";
import { bytes, openTestBus, type TestBus, text } from "./bus.fixture.ts";
import { BusConnection } from "./connection.ts";
import { DurableConsumer } from "./durable-consumer.ts";
import type { ConsumerRelief } from "./durable-progress.ts";
import { durableOf, subjectOf } from "./names.ts";
import type { TakenMessage } from "./stored-message.ts";
import { ensureStreams, STREAM_BYTES_MAX_DEFAULT } from "./streams.ts";
import { WorkSource } from "./work-source.ts";

const LEASE_MS = 1_000;
const LOOK_EVERY_MS = 700;
/** More than what requests and signs of life remove of them while the test runs. */
const GONE_MESSAGES = 200;
/** After its restart the server waits for the leases of what it takes to be in hand. */
const QUEUED_AGAIN_MS = 3 * LEASE_MS;
const RELIEVED_MS_MAX = 15_000;
const LEADER_TIMEOUT_MS = 30_000;
const [FIRST, STUCK] = [subjectOf("DELIVER", 1), subjectOf("DELIVER", 0)];

const publish = ({ publisher }: TestBus, subject: string, id: string) =>
  publisher.publishUntilStored({ subject, payload: bytes(id), id });

async function takeUntil(source: WorkSource, isEnough: (taken: readonly TakenMessage[]) => boolean) {
  const taken: TakenMessage[] = [];
  await waitUntil(
    () => {
      taken.push(...source.take(GONE_MESSAGES));
      return isEnough(taken);
    },
    { timeoutMs: RELIEVED_MS_MAX, describe: () => `enough messages, after ${taken.length}` },
  );
  return taken;
}

/**
 * A server that was killed knows again of messages that were handed out and are long gone: it goes on trying to hand
 * them out, and what is stored behind them waits. The first message of the stream stays, or it would notice.
 */
async function leaveTheDeadInHand(bus: TestBus, source: WorkSource): Promise<void> {
  await publish(bus, FIRST, "first");
  await Promise.all(Array.from({ length: GONE_MESSAGES }, (_, at) => publish(bus, STUCK, `gone-${at}`)));
  await takeUntil(source, ({ length }) => length > GONE_MESSAGES);
  const kept = await keepStream(bus.nats, "DELIVER", "consumers");
  const names = new Set<string>();
  await takeUntil(source, (taken) => {
    for (const message of taken.filter(({ subject }) => subject === STUCK)) {
      message.ack();
      names.add(text(message.data));
    }
    return names.size === GONE_MESSAGES;
  });
  await waitUntil(async () => (await bus.connection.manager.streams.info("DELIVER")).state.messages === 1, {
    describe: "all but the first message gone",
  });
  await kept.putBack();
  await sleep(QUEUED_AGAIN_MS);
}

test("a consumer that hands out nothing of what it owes is made anew, and what comes of it may be a repeat", async () => {
  await using bus = await openTestBus();
  const reliefs: ConsumerRelief[] = [];
  using source = await WorkSource.open(bus.connection, {
    stream: "DELIVER",
    worker: "dispatcher",
    prefetchMax: 2 * GONE_MESSAGES,
    leaseMs: LEASE_MS,
    lookEveryMs: LOOK_EVERY_MS,
    onTrouble: () => {},
    onRelieved: (relief) => reliefs.push(relief),
  });
  await leaveTheDeadInHand(bus, source);
  await publish(bus, STUCK, "behind");
  const isBehind = ({ data }: TakenMessage) => text(data) === "behind";
  const taken = await takeUntil(source, (some) => some.some(isBehind));
  expect(taken.find(isBehind)?.mayBeRepeat).toBe(true);
  expect(reliefs).toEqual(["make-anew"]);
}, 60_000);

test("in a cluster its leader steps down first, and then it is made anew somewhat before where it was", async () => {
  await using cluster = await startTestNatsCluster();
  await using connection = await BusConnection.open({ servers: cluster.url, name: "test" });
  const settings = { replicas: cluster.names.length, bytesMax: STREAM_BYTES_MAX_DEFAULT };
  await waitUntil(() => ensureStreams(connection, settings).then(() => true), { timeoutMs: LEADER_TIMEOUT_MS });
  const name = durableOf("matcher", "INGEST", 0);
  const options = { stream: "INGEST", name, subject: "ingest.0", ackWaitMs: LEASE_MS, onTrouble: () => {} } as const;
  const durable = new DurableConsumer(connection, options);
  await durable.ensure();
  const jetstream = connection.manager.jetstream();
  for (const body of ["one", "two"]) await jetstream.publish("ingest.0", body);
  const next = async () => (await jetstream.consumers.get("INGEST", name)).next({ expires: LEADER_TIMEOUT_MS });
  (await next())?.ack();
  const infoOf = () => connection.manager.consumers.info("INGEST", name);
  await waitUntil(async () => (await infoOf()).ack_floor.stream_seq === 1, { timeoutMs: LEADER_TIMEOUT_MS });
  const before = await infoOf();
  // Nobody asks it for messages, so it hands out none.
  const look = () => durable.relieve();
  expect([await look(), await look()]).toEqual([undefined, "step-down"]);
  await waitUntil(async () => ![undefined, before.cluster?.leader].includes((await infoOf()).cluster?.leader), {
    timeoutMs: LEADER_TIMEOUT_MS,
    describe: "another leader",
  });
  expect([await look(), await look(), await look()]).toEqual([undefined, undefined, "make-anew"]);
  // With what was lately worked off, because a floor may have passed what is in hand.
  expect([(await next())?.string(), (await next())?.string()]).toEqual(["one", "two"]);
  expect((await infoOf()).created).not.toBe(before.created);
}, 60_000);
