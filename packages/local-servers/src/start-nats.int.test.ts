import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findNatsServer } from "./find-nats-server.ts";
import { findFreePort, LOOPBACK } from "./free-port.ts";
import { type Leash, startLeash } from "./leash.ts";
import type { LocalServer } from "./server-process.ts";
import { greetsWithJetStream, type NatsOptions, startNats } from "./start-nats.ts";

let dir: string;
let leash: Leash;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "posthorn-nats-"));
  leash = startLeash();
});

afterEach(() => {
  leash[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function start(options: Partial<NatsOptions> = {}): Promise<LocalServer> {
  const program = await findNatsServer({ env: process.env, isRoot: process.getuid?.() === 0 });
  if (program.kind === "missing") throw new Error(program.message);
  return startNats({ program, dir: join(dir, "nats"), logFile: join(dir, "nats.log"), leash, ...options });
}

test("a started server greets with JetStream, and is gone after stop", async () => {
  const nats = await start();
  expect(await greetsWithJetStream(nats.port)).toBe(true);
  expect(existsSync(join(dir, "nats", "jetstream"))).toBe(true);
  await nats.stop();
  expect(nats.pid).toBeUndefined();
  expect(await greetsWithJetStream(nats.port)).toBe(false);
});

test("a killed server comes back on the same port as another process", async () => {
  await using nats = await start();
  const firstPid = nats.pid;
  await nats.kill("SIGKILL");
  expect(await nats.exited()).toEqual({ kind: "signal", signal: "SIGKILL" });
  await nats.restart();
  expect(nats.pid).not.toBe(firstPid);
  expect(await greetsWithJetStream(nats.port)).toBe(true);
});

test("a restart stops a running server first", async () => {
  await using nats = await start();
  const firstPid = nats.pid;
  const ended = nats.exited();
  await nats.restart();
  expect(await ended).toMatchObject({ kind: "code" });
  expect(nats.pid).not.toBe(firstPid);
});

test("the monitoring pages answer when a port was given for them", async () => {
  const monitoringPort = await findFreePort();
  await using nats = await start({ monitoringPort });
  const answer = await fetch(`http://${LOOPBACK}:${monitoringPort}/jsz`);
  expect(answer.status).toBe(200);
  expect(nats.port).not.toBe(monitoringPort);
});

test("a server that cannot listen fails with the end of its log", async () => {
  const port = await findFreePort();
  const squatter = createServer().listen(port, LOOPBACK);
  await expect(start({ port })).rejects.toThrow(/NATS .*nats\.log:\n.*address already in use/s);
  squatter.close();
});
