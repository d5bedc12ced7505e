import { keepDatabase, keepStream, waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ACCEPTED_AT_MS, deliveryEvents } from "./core/log.fixture.ts";
import {
  checkpointOf,
  runRebuild,
  startTestBackend,
  startTestProjector,
  type TestBackend,
  type TestProjector,
} from "./projector.fixture.ts";

const NEXT_AT_MS = ACCEPTED_AT_MS + 60_000;
const EQUAL = { kind: "verified", differences: [] };
const RESTORED_MS_MAX = 20_000;

let backend: TestBackend;
let projector: TestProjector;

beforeEach(async () => {
  backend = await startTestBackend();
  projector = await startTestProjector(backend.env);
});
afterEach(async () => {
  await projector[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

async function statuses() {
  const rows = await backend.database.db.selectFrom("deliveries").select(["status", "repeated_attempts"]).execute();
  return rows.map((row) => `${row.status} ${row.repeated_attempts}`).sort();
}

async function archived(): Promise<number> {
  return (await backend.database.pool.query("select from delivery_log")).rowCount ?? 0;
}

const comes = (expected: readonly string[]) =>
  waitUntil(async () => String(await statuses().catch(() => [])) === String(expected), {
    describe: () => `the deliveries ${expected.join(", ")}`,
    timeoutMs: RESTORED_MS_MAX,
  });

test("a LOG that lost its end goes on under sequences that were used before: nothing archived is lost, or there twice", async () => {
  const [first, lost, later] = [deliveryEvents(1), deliveryEvents(2), deliveryEvents(3)];
  await backend.projected(await backend.publish([first.created()], [first.failed(1, NEXT_AT_MS)]));
  const kept = await keepStream(backend.nats, "LOG", "all");
  await waitUntil(() => backend.connection.isConnected);
  await backend.projected(await backend.publish([lost.created()], [lost.succeeded(1)], [], []));
  const before = await checkpointOf(backend.database);
  await kept.putBack();
  await waitUntil(() => backend.connection.isConnected);
  const reused = await backend.publish([later.created()], [later.succeeded(1)]);
  expect(reused).toBeLessThan(before?.sequence ?? 0);

  await comes(["delivered 0", "delivered 0", "scheduled 0"]);
  expect(await archived()).toBe(8);
  const now = await checkpointOf(backend.database);
  expect(now).toMatchObject({ stream_epoch_ms: before?.stream_epoch_ms, epoch_ms: (before?.epoch_ms ?? 0) + 1 });
  expect(now?.sequence).toBe(reused);
  expect(await projector.metric("log_distrusted_total")).toBe(1);
  expect(await projector.metric("repeated_attempts_total")).toBe(0);
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
}, 60_000);

test("a Postgres of an older backup catches up from LOG, from its own checkpoint", async () => {
  const [first, second] = [deliveryEvents(1), deliveryEvents(2)];
  await backend.projected(await backend.publish([first.created()], [first.failed(1, NEXT_AT_MS)]));
  await using kept = await keepDatabase(backend.ownerUrl);
  const sequence = await backend.publish([first.succeeded(2)], [second.created()], [second.succeeded(1)]);
  await comes(["delivered 0", "delivered 0"]);
  const before = await backend.database.db.selectFrom("deliveries").selectAll().orderBy("id").execute();
  await kept.putBack();
  await comes(["delivered 0", "delivered 0"]);
  await backend.projected(sequence);
  expect(await backend.database.db.selectFrom("deliveries").selectAll().orderBy("id").execute()).toEqual(before);
  expect(await archived()).toBe(5);
  expect(await projector.metric("log_distrusted_total")).toBe(0);
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
}, 60_000);

test("a full disk is waited for: nothing is set aside, and when there is room again nothing is missing", async () => {
  const { pool } = backend.database;
  // What Postgres answers when a table cannot be extended.
  await pool.query(`create function disk_is_full() returns trigger language plpgsql as $body$
    begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $body$`);
  await pool.query("create trigger full_disk before insert on deliveries execute function disk_is_full()");
  const [first, second] = [deliveryEvents(1), deliveryEvents(2)];
  await backend.publish([first.created()], [first.succeeded(1)], [second.created()]);
  await waitUntil(async () => (await projector.metric("projection_failures_total")) >= 3, { timeoutMs: 10_000 });
  expect([await statuses(), await archived()]).toEqual([[], 0]);
  await pool.query("drop trigger full_disk on deliveries");
  await comes(["delivered 0", "pending 0"]);
  expect(await projector.metric("set_aside_messages_total")).toBe(0);
}, 60_000);

test("messages that a server's clock puts into other days are archived, whatever partitions there are", async () => {
  await backend.projected(await backend.publish([deliveryEvents(1).created()]));
  const { pool } = backend.database;
  const { rows } = await pool.query("select tableoid::regclass::text as part from delivery_log");
  expect(rows).toEqual([{ part: expect.stringMatching(/^delivery_log_\d{8}$/) }]);
  // Neither behind what was kept nor ahead of what was prepared is there a day.
  for (const days of [-40, -1, 1, 40]) {
    await pool.query(
      `insert into delivery_log select 7, epoch_ms, 1000 + $1, stored_at + make_interval(days => $1), bytes
       from delivery_log where sequence = 1`,
      [days],
    );
  }
  await pool.query("select ensure_delivery_log_partitions((now() - interval '40 days')::date, 1)");
  expect(await archived()).toBe(5);
}, 30_000);
