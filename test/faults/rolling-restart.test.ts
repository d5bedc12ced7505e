/**
 * From the previous version to this one and back, one service after the other and under load: nothing is lost, nothing
 * is sent twice. Those who read are exchanged before those who write for them, and the other way round on the way back.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createTestFolder, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareDatabase } from "../../deploy/local/prepare-database.ts";
import type { ServiceName } from "../../deploy/local/service-table.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { layOutPreviousVersion, type PreviousVersion, previousCommit } from "./previous-version.ts";
import { type Load, openLoad } from "./published-load.ts";
import { isFull } from "./sizes.ts";

/** Each reads what those behind it write. */
const READERS_FIRST: readonly ServiceName[] = [
  "projector",
  "signer",
  "dispatcher",
  "scheduler",
  "matcher",
  "ingest",
  "api",
];
const EVENTS_PER_SECOND = 200;
const EVENTS_AT_ONCE = 100;
const SETTLED_MS = 2_000;

const commit = isFull ? await previousCommit() : undefined;

it.runIf(isFull)("the history of the repository is here, so that there is a version before this one", () => {
  expect(commit, "a clone of one commit cannot prove a rolling restart: fetch two").toBeDefined();
});

describe.runIf(commit !== undefined)("a rolling restart", () => {
  let previous: PreviousVersion;
  let stack: TestStack;
  let load: Load;
  const loading = new AbortController();
  let publishing: Promise<void>;

  beforeAll(async () => {
    previous = await layOutPreviousVersion(commit ?? "", await createTestFolder("previous"));
    stack = await startTestStack({ root: previous.root, prepareDatabase: previous.prepareDatabase });
    load = await openLoad(stack, { eventsPerSecond: EVENTS_PER_SECOND });
    publishing = publishUntilStopped();
  }, 240_000);
  afterAll(async () => {
    loading.abort();
    await publishing;
    await load[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  async function publishUntilStopped(): Promise<void> {
    while (!loading.signal.aborted) await load.publish(EVENTS_AT_ONCE);
  }

  async function exchange(service: ServiceName, version: "previous" | "this"): Promise<void> {
    await previous.use(service, version);
    const before = stack.stack.pids()[service];
    stack.stack.kill(service, "SIGTERM");
    await waitUntil(() => ![undefined, before].includes(stack.stack.pids()[service]), {
      describe: `another ${service}`,
      timeoutMs: 30_000,
    });
    await stack.awaitReady();
    await sleep(SETTLED_MS);
  }

  /** What was accepted so far has arrived, each once. */
  async function expectAllOnce(): Promise<void> {
    await load.allArrived(120_000);
    const repeated = [...load.arrivals()].filter(([, count]) => count > 1);
    expect(repeated).toEqual([]);
  }

  it("begins with the schema, which the previous version goes on to work with", async () => {
    await sleep(SETTLED_MS);
    await prepareDatabase(stack.stack.databaseUrl);
    await sleep(SETTLED_MS);
    expect(load.accepted.size).toBeGreaterThan(EVENTS_PER_SECOND);
  });

  it("goes from the previous version to this one, service by service", async () => {
    for (const service of READERS_FIRST) await exchange(service, "this");
  }, 300_000);

  it("and back again", async () => {
    for (const service of READERS_FIRST.toReversed()) await exchange(service, "previous");
  }, 300_000);

  it("loses nothing and sends nothing twice", async () => {
    loading.abort();
    await publishing;
    await expectAllOnce();
    expect(load.arrivals().size).toBe(load.accepted.size);
    console.log(`${load.accepted.size} events, from ${previous.name} to this version and back: each delivered once`);
  }, 180_000);
});
