import { encodeLogEvents } from "@posthorn/contracts";
import { type OpenDatabase, openDatabase, serviceUrl } from "@posthorn/database";
import { type LogEvent, parseWebhookId } from "@posthorn/domain";
import { createTestDatabase, type TestDatabase, testRolePasswords } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Checkpoint } from "../core/checkpoint.ts";
import { ACCEPTED_AT_MS, deliveryEvents, EPOCH_MS, PARTITION } from "../core/log.fixture.ts";
import { WrittenRows } from "../core/written-rows.ts";
import { moveCheckpoint, readCheckpoint } from "../io/checkpoint-table.ts";
import type { ReceivedMessage } from "../io/log-inbox.ts";
import { openToProject } from "../io/open-pools.ts";
import { projectBatch } from "./project-batch.ts";

const OTHER_WEBHOOK = parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad91");
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
  const results = await Promise.all(
    [1, 2, 3].map(() => projectBatch(database.pool, PARTITION, START, batch, new WrittenRows(10))),
  );
  expect(results.map((result) => result.kind).sort()).toEqual(["committed", "overtaken", "overtaken"]);
  expect(await count("delivery_log")).toBe(2);
  expect(await readCheckpoint(database.pool, PARTITION)).toMatchObject({ epochMs: EPOCH_MS, sequence: 2 });
});

test("one that wakes up with an old checkpoint writes nothing, even if its batch is another", async () => {
  const late = [message(1, [deliveryEvents(7).created()])];
  expect(await projectBatch(database.pool, PARTITION, START, late, new WrittenRows(10))).toEqual({ kind: "overtaken" });
  expect(await count("deliveries")).toBe(1);
});

test("a batch that cannot be written leaves nothing behind, the checkpoint included", async () => {
  const from = await readCheckpoint(database.pool, PARTITION);
  const poison = message(3, [deliveryEvents(8).created(), deliveryEvents(8).succeeded(1, { statusCode: 2 ** 32 - 1 })]);
  await expect(projectBatch(database.pool, PARTITION, from ?? START, [poison], new WrittenRows(10))).rejects.toThrow(
    RangeError,
  );
  expect(await readCheckpoint(database.pool, PARTITION)).toEqual(from);
  expect(await count("deliveries")).toBe(1);
});

/** Projects each list as a batch of its own, from where the one before ended. */
async function projectAll(from: Checkpoint, written: WrittenRows, ...batches: readonly (readonly LogEvent[])[]) {
  let checkpoint = from;
  for (const events of batches) {
    const batch = [message(checkpoint.sequence + 1, events)];
    const result = await projectBatch(database.pool, PARTITION, checkpoint, batch, written);
    if (result.kind !== "committed") throw new Error(result.kind);
    checkpoint = result.checkpoint;
  }
  return checkpoint;
}

async function hereNow(): Promise<Checkpoint> {
  return (await readCheckpoint(database.pool, PARTITION)) ?? START;
}

const statusOf = async (id: string) =>
  (await database.pool.query<{ status: string }>("select status from deliveries where id = $1", [id])).rows[0]?.status;

test("the log read again is noticed by one that takes what is created for new, and changes nothing", async () => {
  const [fresh, known] = [deliveryEvents(20), deliveryEvents(21)];
  const written = new WrittenRows(10);
  const behind = await projectAll(await hereNow(), written, [known.created()], [known.succeeded(1)], [fresh.created()]);
  const before = await database.pool.query("select * from deliveries order by id");
  await projectAll(behind, written, [known.created()], [fresh.created(), known.succeeded(1)]);
  expect((await database.pool.query("select * from deliveries order by id")).rows).toEqual(before.rows);
});

test("an event that is there although it was taken for new is noticed, and everything is written", async () => {
  const [one, later, between] = [deliveryEvents(24), deliveryEvents(24, OTHER_WEBHOOK), deliveryEvents(25)];
  expect(later.eventId).toBe(one.eventId);
  const written = new WrittenRows(10);
  await projectAll(await hereNow(), written, [one.created()], [between.created()], [later.created()]);
  expect(await statusOf(later.deliveryId)).toBe("pending");
});

test("an outcome needs no row to be read when the creation was written just before", async () => {
  const delivery = deliveryEvents(30);
  const written = new WrittenRows(10);
  const behind = await projectAll(await hereNow(), written, [delivery.created()]);
  // Were the row read, this would make a repeat of the outcome.
  await database.pool.query("update deliveries set attempt_count = 5 where id = $1", [delivery.deliveryId]);
  await projectAll(behind, written, [delivery.succeeded(1)]);
  expect(await statusOf(delivery.deliveryId)).toBe("delivered");
});

test("new deliveries are written in the order of the log, and what others may hold in the order of its keys", async () => {
  const parked = Array.from({ length: 20 }, (_, index) => deliveryEvents(50 + index));
  const created = parked.map((delivery) => delivery.bornParked());
  await projectAll(await hereNow(), new WrittenRows(10), created);
  const idsOf = async (table: string, id: string) => {
    const text = `select ${id} as id from ${table} where ${id} = any($1) order by ctid`;
    const { rows } = await database.pool.query<{ id: string }>(text, [ids]);
    return rows.map((row) => row.id);
  };
  const ids: readonly string[] = parked.map(({ deliveryId }) => deliveryId);
  expect(await idsOf("deliveries", "id")).toEqual(ids);
  expect(await idsOf("retry_due", "delivery_id")).toEqual(ids.toSorted());
});

test("other tables in the place of those that were written are read", async () => {
  const delivery = deliveryEvents(40);
  const written = new WrittenRows(10);
  const behind = await projectAll(await hereNow(), written, [delivery.created()]);
  await using owner = openDatabase(testDatabase.url, { poolMax: 1, applicationName: "test" });
  await owner.pool.query(`
    create table other_deliveries (like deliveries including all);
    grant all on other_deliveries to posthorn_projector;
    alter table deliveries rename to deliveries_before;
    alter table other_deliveries rename to deliveries`);
  await projectAll(behind, written, [delivery.succeeded(1)]);
  const { rows } = await database.pool.query("select event_type, status from deliveries");
  expect(rows).toEqual([{ event_type: null, status: "delivered" }]);
});
