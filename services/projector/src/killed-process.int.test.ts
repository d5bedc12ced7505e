import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleepFor } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { trackOpen, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deliveryEvents } from "./core/log.fixture.ts";
import { checkpointOf, runRebuild, startTestBackend, type TestBackend } from "./projector.fixture.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const PUBLISH_EVERY_MS = 5;
const DELIVERIES_PER_MESSAGE = 5;
const KILLS = 3;
const START_MS_MAX = 15_000;

let backend: TestBackend;

beforeAll(async () => {
  backend = await startTestBackend();
});
afterAll(() => backend[Symbol.asyncDispose]());

/** The projector as a process of its own. */
function startProcess(): { end(signal: NodeJS.Signals): Promise<void> } {
  const env = { ...backend.env, POSTHORN_LEASH: "stdin" };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ["pipe", "ignore", "inherit"] });
  const exited = once(child, "exit").then(trackOpen("process of the projector"));
  return {
    end: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}

const projectedSequence = async () => (await checkpointOf(backend.database))?.sequence ?? 0;

/** Publishes deliveries, each created in one message and succeeded in the next, until it is told to stop. */
function publishContinuously() {
  const stopping = new AbortController();
  const done = (async () => {
    let deliveries = 0;
    let sequence = 0;
    while (!stopping.signal.aborted) {
      const group = Array.from({ length: DELIVERIES_PER_MESSAGE }, (_, index) =>
        deliveryEvents(deliveries + index + 1),
      );
      sequence = await backend.publish(
        group.map((delivery) => delivery.created()),
        group.map((delivery) => delivery.succeeded(1)),
      );
      deliveries += group.length;
      await sleepFor(PUBLISH_EVERY_MS);
    }
    return { deliveries, sequence };
  })();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

test("a projector that is killed again and again loses nothing and writes nothing twice", async () => {
  const publishing = publishContinuously();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const before = await projectedSequence();
    const running = startProcess();
    await waitUntil(async () => (await projectedSequence()) > before, {
      describe: "the projector to make progress",
      timeoutMs: START_MS_MAX,
      everyMs: 5,
    });
    await running.end("SIGKILL");
  }
  const last = startProcess();
  const { deliveries, sequence } = await publishing.stop();
  await backend.projected(sequence);
  await last.end("SIGTERM");

  const { pool } = backend.database;
  const { rows } = await pool.query("select status, attempt_count, count(*) as count from deliveries group by 1, 2");
  expect(rows).toEqual([{ status: "delivered", attempt_count: 1, count: deliveries }]);
  expect((await pool.query("select 1 from delivery_log")).rowCount).toBe(sequence);
  expect(await runRebuild(backend, "verify")).toEqual({ kind: "verified", differences: [] });
}, 60_000);
