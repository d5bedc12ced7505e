import { encodeLogEvents } from "@posthorn/contracts";
import { type OpenDatabase, serviceUrl } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import { createTestDatabase, type TestDatabase, testRolePasswords } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Checkpoint } from "../core/checkpoint.ts";
import { ACCEPTED_AT_MS, deliveryEvents, EPOCH_MS, PARTITION } from "../core/log.fixture.ts";
import { moveCheckpoint, readCheckpoint } from "../io/checkpoint-table.ts";
import type { ReceivedMessage } from "../io/log-inbox.ts";
import { openToProject } from "../io/open-pools.ts";
import { projectBatch } from "./project-batch.ts";

const START: Checkpoint = { streamEpochMs: EPOCH_MS, epochMs: EPOCH_MS, sequence: 0, fingerprint: undefined };

let testDatabase: TestDatabase;
let database: OpenDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openToProject(serviceUrl(testDatabase.url, "projector", testRolePasswords.projector));
  await moveCheckpoint(database.pool, PARTITION, undefined, START);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await testDatabase[Symbol.asyncDispose]();
});

function message(sequence: number, events: readonly LogEvent[]): ReceivedMessage {
  const bytes = encodeLogEvents(events);
  return { sequence, storedAtMs: ACCEPTED_AT_MS, bytes, content: { kind: "decoded", value: events } };
}

const count = async (table: string) => (await database.pool.query(`select 1 from ${table}`)).rowCount;

test("of two that project the same batch at once, one does and the other writes nothing", async () => {
  const batch = [message(1, [deliveryEvents(1).created()]), message(2, [deliveryEvents(1).succeeded(1)])];
  const results = await Promise.all([1, 2, 3].map(() => projectBatch(database.pool, PARTITION, START, batch)));
  expect(results.map((result) => result.kind).sort()).toEqual(["committed", "overtaken", "overtaken"]);
  expect(await count("delivery_log")).toBe(2);
  expect(await readCheckpoint(database.pool, PARTITION)).toMatchObject({ epochMs: EPOCH_MS, sequence: 2 });
});

test("one that wakes up with an old checkpoint writes nothing, even if its batch is another", async () => {
  const late = [message(1, [deliveryEvents(7).created()])];
  expect(await projectBatch(database.pool, PARTITION, START, late)).toEqual({ kind: "overtaken" });
  expect(await count("deliveries")).toBe(1);
});

test("a batch that cannot be written leaves nothing behind, the checkpoint included", async () => {
  const from = await readCheckpoint(database.pool, PARTITION);
  const poison = message(3, [deliveryEvents(8).created(), deliveryEvents(8).succeeded(1, { durationMs: 2 ** 32 - 1 })]);
  await expect(projectBatch(database.pool, PARTITION, from ?? START, [poison])).rejects.toThrow(RangeError);
  expect(await readCheckpoint(database.pool, PARTITION)).toEqual(from);
  expect(await count("deliveries")).toBe(1);
});
