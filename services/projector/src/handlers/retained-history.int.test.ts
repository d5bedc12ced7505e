/** A rebuild after retention: the rows are those that are live, for all that retention still holds. */

import { decodeLogFacts } from "@posthorn/contracts";
import type { LogEvent, WebhookId } from "@posthorn/domain";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ACCEPTED_AT_MS, deliveryEvents, organisationEvents } from "../core/log.fixture.ts";
import { PROJECTION_TABLES } from "../io/side-tables.ts";
import { runRebuild, startTestBackend, startTestProjector, type TestBackend } from "../projector.fixture.ts";

const DAY_MS = 86_400_000;
const RETENTION_DAYS = 30;
const EQUAL = { kind: "verified", differences: [] };
const FIRST_ID = "00000000-0000-0000-0000-000000000000";
const webhook = (number: number) => `0190163d-8694-739b-aea5-00000000000${number}` as WebhookId;

let backend: TestBackend;

beforeEach(async () => {
  backend = await startTestBackend();
});
afterEach(() => backend[Symbol.asyncDispose]());

/** One message of the log, with what happened so many days ago. */
type Day = readonly [daysAgo: number, ...events: readonly LogEvent[]];

/** The same events as if the fixture's moment had been then. */
function daysAgo(age: number, events: readonly LogEvent[]): readonly LogEvent[] {
  const shiftMs = Date.now() - age * DAY_MS - ACCEPTED_AT_MS;
  const shifted = (value: unknown): unknown => {
    if (typeof value === "number") return Math.abs(value - ACCEPTED_AT_MS) < DAY_MS ? value + shiftMs : value;
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    if (Array.isArray(value)) return value.map(shifted);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shifted(one)]));
  };
  return events.map((event) => shifted(event) as LogEvent);
}

/** Projects the messages, then lets the archive have stored each on its own day. */
async function projectDays(days: readonly Day[]): Promise<void> {
  await using _projector = await startTestProjector(backend.env);
  const { pool } = backend.database;
  const last = await backend.publish(...days.map(([age, ...events]) => daysAgo(age, events)));
  await backend.projected(last);
  for (const [index, [age]] of days.entries()) {
    const sequence = last - days.length + 1 + index;
    const storedAt = new Date(Date.now() - age * DAY_MS);
    await pool.query("select ensure_delivery_log_partitions($1::date, 1)", [storedAt]);
    await pool.query("update delivery_log set stored_at = $1 where sequence = $2", [storedAt, sequence]);
  }
}

async function retain(days: number): Promise<void> {
  const { pool } = backend.database;
  const before = new Date(Date.now() - days * DAY_MS);
  for (const part of ["deliveries", "events", "records"]) {
    await pool.query("select retire_history($1, $2, $3, 1000)", [part, before, FIRST_ID]);
  }
  for (;;) {
    const { rows } = await pool.query<{ outcome: string }>("select outcome from drop_oldest_delivery_log_day()");
    if (rows[0]?.outcome !== "dropped") return;
  }
}

async function liveRows() {
  const tables: Record<string, unknown[]> = {};
  for (const table of PROJECTION_TABLES) {
    tables[table] = (await backend.database.pool.query(`select * from ${table} order by 1, 2`)).rows;
  }
  return tables;
}

async function archivedDays(): Promise<number> {
  const { rows } = await backend.database.pool.query<{ days: number }>(
    "select count(distinct stored_at::date)::int as days from delivery_log",
  );
  return rows[0]?.days ?? 0;
}

/** Of every delivery, how many attempts the messages tell of that its row names and the archive still holds; sorted. */
async function archivedAttempts(): Promise<readonly unknown[]> {
  const { rows } = await backend.database.pool.query<{ id: string; bytes: Buffer[] }>(
    `select d.id, array_agg(l.bytes) as bytes
     from deliveries d
     cross join unnest(d.log_epochs, d.log_sequences) as named (epoch_ms, sequence)
     left join delivery_log l using (partition, epoch_ms, sequence)
     group by d.id`,
  );
  return rows.map(({ id, bytes }) => attemptsIn(bytes, id)).toSorted();
}

function attemptsIn(messages: readonly Buffer[], deliveryId: string): number {
  const events = messages.flatMap((bytes) => {
    const decoded = decodeLogFacts(bytes);
    return decoded.kind === "decoded" ? decoded.value : [];
  });
  return events.filter((event) => "attempt" in event && "deliveryId" in event && event.deliveryId === deliveryId)
    .length;
}

/** What stands in a column, sorted. */
function column(rows: readonly unknown[] | undefined, name: string): readonly unknown[] {
  return (rows ?? []).map((row) => (row as Record<string, unknown>)[name]).toSorted();
}

function history(): readonly Day[] {
  const { circuit, replayStarted, replayProgressed, replayFinished, disabled, changed } = organisationEvents;
  const [dormant, gone, acrossTheCut, kept, open] = [
    deliveryEvents(1, webhook(1)),
    deliveryEvents(2, webhook(2)),
    deliveryEvents(3, webhook(2)),
    deliveryEvents(4, webhook(3)),
    deliveryEvents(5, webhook(3)),
  ];
  const retryAtMs = ACCEPTED_AT_MS + 60_000;
  return [
    [40, dormant.created(), dormant.succeeded(1), circuit("circuit.opened", 1), circuit("circuit.closed", 1)],
    [40, replayStarted(), replayProgressed(8), replayFinished(), disabled(1), changed("long ago")],
    [33, gone.created(), gone.failed(1, undefined, { statusCode: 503 }), gone.exhausted(1)],
    [31, acrossTheCut.created(), acrossTheCut.failed(1, retryAtMs)],
    [28, acrossTheCut.failed(2, undefined, { statusCode: 503 }), acrossTheCut.exhausted(2)],
    [20, kept.created(), kept.succeeded(1), deliveryEvents(6).unmatched(), disabled(2), changed("lately")],
    [9, open.created(), open.failed(1, retryAtMs)],
  ];
}

test("what retention has forgotten does not come back, and the rest is what was live", async () => {
  await projectDays(history());
  await retain(RETENTION_DAYS);
  const rows = await liveRows();
  expect(column(rows.deliveries, "status")).toEqual(["delivered", "scheduled"]);
  expect(await archivedAttempts()).toEqual(column(rows.deliveries, "attempt_count"));
  expect(rows.events).toHaveLength(3);
  expect(rows.replays).toEqual([]);
  expect(column(rows.webhook_disablings, "config_version")).toEqual([2]);
  expect(column(rows.audit, "id")).toEqual(["lately", "long ago"]);
  expect(column(rows.webhook_health, "consecutive_failures")).toEqual([0, 0, 1, 3]);
  expect(await archivedDays()).toBe(4);

  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  expect(await runRebuild(backend, "swap")).toEqual({ kind: "swapped" });
  expect(await liveRows()).toEqual(rows);
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
});

test("a pass of retention that was cut off makes no difference", async () => {
  await projectDays(history());
  await retain(RETENTION_DAYS);
  await backend.database.pool.query("update retention_progress set history_before = now() - interval '15 days'");
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  await runRebuild(backend, "swap");
  expect(column((await liveRows()).deliveries, "status")).toEqual(["scheduled"]);
});

test("an open delivery is rebuilt however old it is", async () => {
  const forgotten = deliveryEvents(7, webhook(1));
  await projectDays([
    [50, deliveryEvents(1).created(), deliveryEvents(1).succeeded(1)],
    [45, forgotten.created(), forgotten.failed(1, ACCEPTED_AT_MS + 60_000)],
    [44, deliveryEvents(2).created(), deliveryEvents(2).succeeded(1)],
  ]);
  await retain(RETENTION_DAYS);
  const rows = await liveRows();
  expect(column(rows.deliveries, "status")).toEqual(["scheduled"]);
  expect(await archivedDays()).toBe(2);
  expect(await runRebuild(backend, "verify")).toEqual(EQUAL);
  await runRebuild(backend, "swap");
  expect((await liveRows()).deliveries).toEqual(rows.deliveries);
});

test("live rows that differ from the archive are found after retention too", async () => {
  await projectDays(history());
  await retain(RETENTION_DAYS);
  const { pool } = backend.database;
  await pool.query("update webhook_health set consecutive_failures = 9 where webhook_id = $1", [webhook(3)]);
  await pool.query("delete from events where accepted_at > now() - interval '15 days'");
  const verified = await runRebuild(backend, "verify");
  expect(verified).toMatchObject({
    differences: [
      { table: "events", onlyLive: 0, onlyRebuilt: 1 },
      { table: "webhook_health", onlyLive: 1, onlyRebuilt: 1 },
    ],
  });
});
