import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "@posthorn/database";
import { createTestDatabase } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Checkpoint } from "../core/checkpoint.ts";
import { moveCheckpoint } from "./checkpoint-table.ts";
import { CheckpointWatch } from "./checkpoint-watch.ts";

const PARTITION = 3;
const ahead: Checkpoint = { streamEpochMs: 1, epochMs: 1, sequence: 50, fingerprint: "aa" };
/** The same stream after it lost its end: what is asked for has come in since. */
const judged: Checkpoint = { streamEpochMs: 1, epochMs: 2, sequence: 10, fingerprint: "bb" };
const wanted = { streamEpochMs: 1, sequence: 20 };

const stack = new AsyncDisposableStack();
let watch: CheckpointWatch;
beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const { pool } = stack.use(openDatabase(database.url, { poolMax: 2, applicationName: "test" }));
  await moveCheckpoint(pool, PARTITION, undefined, ahead);
  watch = new CheckpointWatch(pool);
});
afterAll(() => stack.disposeAsync());

test("a partition that nobody here projects is where Postgres says", async () => {
  expect(await watch.reached(PARTITION, wanted, AbortSignal.timeout(1_000))).toBe(true);
});

test("a checkpoint that is ahead of a stream which lost its end says nothing until the stream was looked at", async () => {
  watch.doubt(PARTITION);
  expect(await watch.reached(PARTITION, wanted, AbortSignal.timeout(200))).toBe(false);
  const answer = watch.reached(PARTITION, wanted, AbortSignal.timeout(5_000));
  watch.advance(PARTITION, judged);
  await sleep(50);
  watch.advance(PARTITION, { ...judged, sequence: 20 });
  expect(await answer).toBe(true);
});

test("a partition that another process projects from now on is asked of Postgres again", async () => {
  watch.doubt(PARTITION);
  const answer = watch.reached(PARTITION, wanted, AbortSignal.timeout(5_000));
  watch.forget(PARTITION);
  expect(await answer).toBe(true);
});

test("tells whoever projects a partition that somebody waits, at once or as soon as one does", async () => {
  watch.advance(PARTITION, { ...judged, sequence: 20 });
  let isAwaited = false;
  const awaited = watch.awaited(PARTITION).then(() => {
    isAwaited = true;
  });
  await sleep(20);
  expect(isAwaited).toBe(false);
  const answer = watch.reached(PARTITION, { ...wanted, sequence: 30 }, AbortSignal.timeout(5_000));
  await awaited;
  await watch.awaited(PARTITION);
  watch.advance(PARTITION, { ...judged, sequence: 30 });
  expect(await answer).toBe(true);
});
