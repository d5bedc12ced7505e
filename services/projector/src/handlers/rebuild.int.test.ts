import { setTimeout as sleepFor } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ACCEPTED_AT_MS, deliveryEvents } from "../core/log.fixture.ts";
import { openToRebuild } from "../io/open-pools.ts";
import { tryLockRebuild } from "../io/partition-locks.ts";
import { PROJECTION_TABLES } from "../io/side-tables.ts";
import { runRebuild, startTestBackend, startTestProjector, type TestBackend } from "../projector.fixture.ts";

const NEXT_AT_MS = ACCEPTED_AT_MS + 60_000;
const EQUAL = { kind: "verified", differences: [] };
const DELIVERIES = 40;
const REBUILDS = 4;
const PUBLISH_EVERY_MS = 50;

let backend: TestBackend;

beforeEach(async () => {
  backend = await startTestBackend();
});
afterEach(() => backend[Symbol.asyncDispose]());

/** Every kind of history, spread over many messages. */
function publishHistories(round = 0): Promise<number> {
  const messages = Array.from({ length: DELIVERIES }, (_, index) => {
    const delivery = deliveryEvents(round * DELIVERIES + index + 1);
    const ends = [
      [delivery.succeeded(1)],
      [delivery.failed(1, NEXT_AT_MS), delivery.succeeded(2)],
      [delivery.failed(1, NEXT_AT_MS)],
      [delivery.failed(1, undefined), delivery.exhausted(1)],
      [delivery.deferred(1, 1)],
      [delivery.cancelled(), delivery.succeeded(1, { dispatcher: "late" })],
      [delivery.succeeded(1), delivery.failed(1, NEXT_AT_MS, { dispatcher: "again" })],
      [],
    ];
    const start =
      index === 0 ? [delivery.skipped(), deliveryEvents(100_000 + round).unmatched()] : [delivery.created()];
    return [start, ...(ends[index % ends.length] ?? []).map((event) => [event])];
  });
  return backend.publish(...messages.flat());
}

async function liveRows() {
  const { pool } = backend.database;
  const tables: Record<string, unknown> = {};
  for (const table of PROJECTION_TABLES) {
    tables[table] = (await pool.query(`select * from ${table} order by 1, 2`)).rows;
  }
  return tables;
}

/** What makes a table what it is to those who use it. */
async function definitions() {
  const { rows } = await backend.database.pool.query(
    `select relname, reloptions, pg_get_userbyid(relowner) as owner,
      (select array_agg(acl::text order by acl::text) from unnest(relacl) acl) as grants,
      (select array_agg(pg_get_indexdef(indexrelid) order by indexrelid::regclass::text)
        from pg_index where indrelid = c.oid) as indexes,
      (select array_agg(conname || ' ' || pg_get_constraintdef(oid) order by conname) from pg_constraint
        where conrelid = c.oid) as constraints,
      (select array_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull order by attnum)
        from pg_attribute where attrelid = c.oid and attnum > 0) as columns
    from pg_class c where relnamespace = 'public'::regnamespace and relname = any($1)
    order by relname`,
    [[...PROJECTION_TABLES]],
  );
  return rows;
}

test("rebuilt tables have rows, indexes, settings and grants of the live ones, and the projector goes on", async () => {
  await using projector = await startTestProjector(backend.env);
  await backend.projected(await publishHistories());
  const [rowsBefore, definitionsBefore] = [await liveRows(), await definitions()];
  expect(definitionsBefore).toHaveLength(PROJECTION_TABLES.length);

  expect(await runRebuild(backend, "swap")).toEqual({ kind: "swapped" });
  expect(await liveRows()).toEqual(rowsBefore);
  expect(await definitions()).toEqual(definitionsBefore);

  const delivery = deliveryEvents(3);
  await backend.projected(await backend.publish([delivery.succeeded(2)]));
  expect(await projector.metric("projection_failures_total")).toBe(0);
  const { rows } = await backend.database.pool.query("select status from deliveries where id = $1", [
    delivery.deliveryId,
  ]);
  expect(rows).toEqual([{ status: "delivered" }]);
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
});

test("rebuilds while the projector works lose nothing", async () => {
  await using _projector = await startTestProjector(backend.env);
  const stopping = new AbortController();
  const publishing = (async () => {
    let sequence = 0;
    for (let round = 0; !stopping.signal.aborted; round += 1) {
      sequence = await publishHistories(round);
      await sleepFor(PUBLISH_EVERY_MS);
    }
    return sequence;
  })();
  try {
    for (let run = 1; run <= REBUILDS; run += 1) expect(await runRebuild(backend, "swap")).toEqual({ kind: "swapped" });
  } finally {
    stopping.abort();
    await publishing;
  }
  await backend.projected(await publishing);
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
});

test("rows that were dropped or tampered with are found, and are right again after a rebuild", async () => {
  await using _projector = await startTestProjector(backend.env);
  await backend.projected(await publishHistories());
  const rowsBefore = await liveRows();
  const { db } = backend.database;
  await db.deleteFrom("events").execute();
  await db.updateTable("deliveries").set({ error_message: "tampered" }).where("status", "=", "exhausted").execute();

  const verified = await runRebuild(backend, "verify");
  expect(verified).toMatchObject({
    kind: "verified",
    differences: [
      { table: "deliveries", onlyLive: 5, onlyRebuilt: 5 },
      { table: "events", onlyLive: 0, onlyRebuilt: DELIVERIES + 1 },
    ],
  });
  await runRebuild(backend, "swap");
  expect(await liveRows()).toEqual(rowsBefore);
});

test("what the scheduler has claimed keeps its claim, what it may have released is marked as claimed", async () => {
  await using _projector = await startTestProjector(backend.env);
  const [claimed, released] = [deliveryEvents(1), deliveryEvents(2)];
  await backend.projected(
    await backend.publish(
      [claimed.created(), released.created()],
      [claimed, released].map((one) => one.failed(1, NEXT_AT_MS)),
    ),
  );
  const { db } = backend.database;
  const until = new Date("2026-04-01T00:00:00Z");
  await db.updateTable("retry_due").set({ claimed_until: until }).execute();
  await db.deleteFrom("retry_due").where("delivery_id", "=", released.deliveryId).execute();

  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  await runRebuild(backend, "swap");
  const rows = await db.selectFrom("retry_due").select(["delivery_id", "claimed_until"]).execute();
  expect(new Map(rows.map((row) => [row.delivery_id, row.claimed_until]))).toEqual(
    new Map([
      [claimed.deliveryId, until],
      [released.deliveryId, new Date(0)],
    ]),
  );
});

test("a rebuild is refused while another one is running", async () => {
  await using other = openToRebuild(backend.ownerUrl);
  const session = await other.pool.connect();
  expect(await tryLockRebuild(session)).toBe(true);
  expect(await runRebuild(backend, "swap")).toEqual({ kind: "refused", reason: "another rebuild is running" });
  session.release(true);
});
