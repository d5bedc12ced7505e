import { ALL_PARTITIONS } from "@posthorn/domain";
import { startTestNatsCluster, type TestNatsCluster, waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BusConnection } from "./connection.ts";
import { durableOf, STREAMS, subjectOf } from "./names.ts";
import { Publisher } from "./publisher.ts";
import { ensureStreams, STREAM_BYTES_MAX_DEFAULT, streamPosition } from "./streams.ts";
import { WorkSource } from "./work-source.ts";

const SETTINGS = { replicas: 3, bytesMax: STREAM_BYTES_MAX_DEFAULT };
const PROCESSES = 6;
/** An election takes some seconds. */
const TAKEN_OVER_MS_MAX = 12_000;
const LEADER_TIMEOUT_MS = 30_000;

let cluster: TestNatsCluster;
let connections: AsyncDisposableStack;

beforeEach(async () => {
  cluster = await startTestNatsCluster();
  connections = new AsyncDisposableStack();
});
afterEach(async () => {
  await connections.disposeAsync();
  await cluster[Symbol.asyncDispose]();
});

async function connect(): Promise<BusConnection> {
  return connections.use(await BusConnection.open({ servers: cluster.url, name: "test" }));
}

/** As every service does: a stream that has no leader yet does not answer. */
const retried = (act: () => Promise<void>) =>
  waitUntil(() => act().then(() => true), { timeoutMs: LEADER_TIMEOUT_MS, describe: "the streams" });

const leaderOf = (connection: BusConnection, stream: string) =>
  waitUntil(async () => (await connection.manager.streams.info(stream)).cluster?.leader, {
    timeoutMs: LEADER_TIMEOUT_MS,
    describe: `a leader of ${stream}`,
  });

const epochsOf = (connection: BusConnection) =>
  waitUntil(() => Promise.all(STREAMS.map(async (stream) => (await streamPosition(connection, stream)).epochMs)), {
    timeoutMs: LEADER_TIMEOUT_MS,
    describe: "the position of every stream",
  });

test("streams that many processes make sure of at once are made once: their epochs outlive a restart of the cluster", async () => {
  const all = await Promise.all(Array.from({ length: PROCESSES }, connect));
  const [connection] = all;
  if (connection === undefined) throw new Error("there is no connection");
  const asked: string[] = [];
  connection.nats.subscribe("$JS.API.STREAM.CREATE.*", {
    callback: (_error, { subject }) => {
      asked.push(subject.slice("$JS.API.STREAM.CREATE.".length));
    },
  });
  await connection.nats.flush();
  await Promise.all(all.map((each) => retried(() => ensureStreams(each, SETTINGS))));
  expect(asked.filter((stream) => stream !== "CREATION").sort()).toEqual([...STREAMS].sort());
  const made = await connection.manager.streams.info("INGEST");
  expect([made.config.num_replicas, made.cluster?.replicas?.length]).toEqual([3, 2]);
  const before = await epochsOf(connection);
  for (const name of cluster.names) {
    await cluster.restart(name);
    await Promise.all(STREAMS.map((stream) => leaderOf(connection, stream)));
  }
  expect(await epochsOf(connection)).toEqual(before);
}, 120_000);

test("what was stored is there after the death of the leader, and a publish during it is stored once", async () => {
  const connection = await connect();
  await retried(() => ensureStreams(connection, SETTINGS));
  const publisher = connections.use(new Publisher(connection));
  const publish = (number: number) =>
    publisher.publishUntilStored({ subject: "log.0", payload: Buffer.from(`${number}`), id: `message-${number}` });
  const first = await Promise.all([1, 2, 3].map(publish));
  expect(first.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  const leader = await leaderOf(connection, "LOG");
  const during = Promise.all([4, 5, 6].map(publish));
  await cluster.kill(leader);
  const stored = await during;
  expect(new Set(stored.map(({ sequence }) => sequence))).toEqual(new Set([4, 5, 6]));
  expect((await publish(2)).duplicate).toBe(true);
  await cluster.restart(leader);
  await waitUntil(async () => (await streamPosition(connection, "LOG")).lastSequence === 6, {
    timeoutMs: LEADER_TIMEOUT_MS,
  });
}, 120_000);

test("when the leader of a consumer dies, what it had handed out is ours no more, and the next message comes soon", async () => {
  const connection = await connect();
  await retried(() => ensureStreams(connection, SETTINGS));
  const publisher = connections.use(new Publisher(connection));
  const source = connections.use(
    await WorkSource.open(connection, {
      stream: "DELIVER",
      worker: "dispatcher",
      prefetchMax: 1,
      leaseMs: 60_000,
      onTrouble: () => {},
    }),
  );
  const { partition, leader } = await ledElsewhere(connection);
  const publish = (id: string) =>
    publisher.publishUntilStored({ subject: subjectOf("DELIVER", partition), payload: Buffer.from(id), id });
  await publish("before");
  // It fills the window, so nothing is asked for that a new leader could refuse.
  await waitUntil(() => source.waiting === 1, { timeoutMs: LEADER_TIMEOUT_MS });
  await cluster.kill(leader);
  await waitUntil(() => source.waiting === 0, { timeoutMs: TAKEN_OVER_MS_MAX });
  await publish("after");
  const [after] = await waitUntil(() => takeSome(source), { timeoutMs: TAKEN_OVER_MS_MAX });
  expect(Buffer.from(after?.data ?? []).toString()).toBe("after");
}, 120_000);

/** A partition whose consumer is led by another server than ours: its death does not break our connection. */
async function ledElsewhere(connection: BusConnection): Promise<{ partition: number; leader: string }> {
  const ours = connection.nats.info?.server_name;
  for (const partition of ALL_PARTITIONS) {
    const consumer = durableOf("dispatcher", "DELIVER", partition);
    const leader = (await connection.manager.consumers.info("DELIVER", consumer)).cluster?.leader;
    if (leader !== undefined && leader !== ours) return { partition, leader };
  }
  throw new Error(`${ours} leads every consumer`);
}

function takeSome(source: WorkSource) {
  const taken = source.take(10);
  return taken.length > 0 ? taken : undefined;
}
