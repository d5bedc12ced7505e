import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findNatsServer } from "./find-nats-server.ts";
import { findFreePort } from "./free-port.ts";
import { type Leash, startLeash } from "./leash.ts";
import { hasJetStreamLeader } from "./nats-leader.ts";
import { startNats } from "./start-nats.ts";
import { type NatsCluster, startNatsCluster } from "./start-nats-cluster.ts";

let dir: string;
let leash: Leash;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "posthorn-nats-cluster-"));
  leash = startLeash();
});

afterEach(() => {
  leash[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function findProgram() {
  const program = await findNatsServer({ env: process.env, isRoot: process.getuid?.() === 0 });
  if (program.kind !== "binary") throw new Error("this test needs a nats-server program");
  return program;
}

async function start(): Promise<NatsCluster & AsyncDisposable> {
  const cluster = await startNatsCluster({
    program: await findProgram(),
    dir: join(dir, "data"),
    logFileOf: (name) => join(dir, `${name}.log`),
    leash,
  });
  const stopAll = async () => {
    await Promise.all(cluster.servers.map(({ server }) => server.stop()));
  };
  return { ...cluster, [Symbol.asyncDispose]: stopAll };
}

function serverAt(cluster: NatsCluster, index: number) {
  const found = cluster.servers[index];
  if (found === undefined) throw new Error(`there is no server ${index}`);
  return found.server;
}

test("a started cluster has three servers, each with its own folder, and a leader that all of them know", async () => {
  await using cluster = await start();
  expect(cluster.servers.map(({ name }) => name)).toEqual(["nats-1", "nats-2", "nats-3"]);
  expect(cluster.url).toBe(cluster.servers.map(({ server }) => server.url).join(","));
  for (const { name, server } of cluster.servers) {
    expect(await hasJetStreamLeader(server.port)).toBe(true);
    expect(existsSync(join(dir, "data", name, "jetstream"))).toBe(true);
  }
});

test("two of three go on without the third, which is let in again", async () => {
  await using cluster = await start();
  const [first, second] = [serverAt(cluster, 0), serverAt(cluster, 1)];
  await second.kill("SIGKILL");
  await second.exited();
  await expect.poll(() => hasJetStreamLeader(first.port), { timeout: 15_000 }).toBe(true);
  await second.restart();
  await expect.poll(() => hasJetStreamLeader(second.port), { timeout: 15_000 }).toBe(true);
}, 60_000);

test("a server that is alone of its cluster answers, and says that there is no leader", async () => {
  await using server = await startNats({
    program: await findProgram(),
    dir: join(dir, "alone"),
    logFile: join(dir, "alone.log"),
    leash,
    cluster: {
      serverName: "nats-1",
      clusterName: "posthorn",
      routePort: await findFreePort(),
      peerRoutePorts: [await findFreePort(), await findFreePort()],
      syncsAlways: false,
    },
  });
  expect(await hasJetStreamLeader(server.port)).toBe(false);
});

test("a second start on the same folders finds its servers again on other ports", async () => {
  const first = await start();
  await first[Symbol.asyncDispose]();
  await using second = await start();
  expect(second.url).not.toBe(first.url);
  expect(await hasJetStreamLeader(serverAt(second, 0).port)).toBe(true);
});
