/** What may be forgotten, by whom, and what stays however much it is asked for. */

import { randomUUID } from "node:crypto";
import { createTestDatabase, testRolePasswords } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DATABASE_SERVICES, type DatabaseService, openDatabase, serviceUrl } from "./index.ts";
import { type HistoryChanges, insertHistoryInto, insertReplayInto } from "./retention.fixture.ts";

const DAY_MS = 86_400_000;
const ROWS_MAX = 1_000;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";
const PARTS = ["deliveries", "events", "records", "audit"] as const;
const OPTIONS = { poolMax: 2, applicationName: "retention-test" };

const stack = new AsyncDisposableStack();
let owner: ReturnType<typeof openDatabase>;
let scheduler: ReturnType<typeof openDatabase>;
let urlOf: (service: DatabaseService) => string;

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  urlOf = (service) => serviceUrl(database.url, service, testRolePasswords[service]);
  owner = stack.use(openDatabase(database.url, OPTIONS));
  scheduler = stack.use(openDatabase(urlOf("scheduler"), OPTIONS));
});
afterAll(() => stack.disposeAsync());
afterEach(async () => {
  await owner.pool.query("truncate deliveries, events, replays, webhook_disablings, audit, delivery_log");
  await owner.pool.query(`update retention_progress set history_before = 'epoch', archive_from = 'epoch'`);
  const days = await owner.pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'delivery_log'::regclass and inhrelid <> 'delivery_log_default'::regclass`,
  );
  for (const { name } of days.rows) await owner.pool.query(`drop table ${name}`);
});

const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);

async function retire(part: string, before: Date, rowsMax = ROWS_MAX) {
  const text = "select * from retire_history($1, $2, $3, $4)";
  return (await scheduler.pool.query<{ retired: number }>(text, [part, before, FIRST_ID, rowsMax])).rows;
}

async function retireAll(before: Date): Promise<void> {
  for (const part of PARTS) await retire(part, before);
}

const insertHistory = (acceptedAt: Date, changes?: HistoryChanges) =>
  insertHistoryInto(owner.pool, acceptedAt, changes);
const insertReplay = (state: "running" | "finished", createdAt: Date, webhookId?: string) =>
  insertReplayInto(owner.pool, state, createdAt, webhookId);

async function rowCounts() {
  const tables = ["deliveries", "events", "replays", "webhook_disablings", "audit"];
  const counts = tables.map((table) => `(select count(*)::int from ${table}) as ${table}`);
  const { rows } = await owner.pool.query<Record<string, number>>(`select ${counts.join(", ")}`);
  return rows[0];
}

describe("history", () => {
  it("is forgotten with all that belongs to it once it is old enough, and not before", async () => {
    await insertHistory(daysAgo(31));
    await insertHistory(daysAgo(29));
    await retireAll(daysAgo(30));
    expect(await rowCounts()).toMatchObject({ deliveries: 1, events: 1 });
  });

  it("goes by pages, each of which says how far it came", async () => {
    for (let count = 0; count < 5; count += 1) await insertHistory(daysAgo(40 - count));
    expect(await retire("deliveries", daysAgo(30), 3)).toMatchObject([{ retired: 3 }]);
    expect(await retire("deliveries", daysAgo(30), 3)).toMatchObject([{ retired: 2 }]);
    expect(await retire("deliveries", daysAgo(30), 3)).toEqual([{ retired: 0, reached: null }]);
  });

  it("keeps what is open, with its event, however old", async () => {
    await insertHistory(daysAgo(100), { open: true });
    await retireAll(daysAgo(30));
    expect(await rowCounts()).toMatchObject({ deliveries: 1, events: 1 });
  });

  it("does not keep what looks open but can never go on: tests, and deliveries whose creation is unknown", async () => {
    await insertHistory(daysAgo(40), { open: true, test: true });
    await insertHistory(daysAgo(40), { open: true, eventType: null });
    await retireAll(daysAgo(30));
    expect(await rowCounts()).toMatchObject({ deliveries: 0, events: 0 });
  });

  it("keeps what a running replay reads", async () => {
    const webhookId = randomUUID();
    await insertHistory(daysAgo(40), { webhookId });
    await insertHistory(daysAgo(40));
    await insertReplay("running", daysAgo(1), webhookId);
    await retireAll(daysAgo(30));
    expect(await rowCounts()).toMatchObject({ deliveries: 1, events: 1 });
  });

  it("forgets replays that are over, disablings and lines of the audit by their age", async () => {
    for (const age of [31, 29]) {
      await insertReplay("finished", daysAgo(age));
      await owner.pool.query("insert into webhook_disablings values ($1, $1, 'gone', 1, $2)", [
        randomUUID(),
        daysAgo(age),
      ]);
      await owner.pool.query("insert into audit values ($1, $2, $3, 'root', 'x', 'x', 'x', '{}', 'x')", [
        String(age),
        randomUUID(),
        daysAgo(age),
      ]);
    }
    await insertReplay("running", daysAgo(31));
    await retireAll(daysAgo(30));
    expect(await rowCounts()).toMatchObject({ replays: 2, webhook_disablings: 1, audit: 1 });
  });

  it("leaves rows alone that somebody else holds", async () => {
    await insertHistory(daysAgo(40));
    await using holder = await heldBy(owner, "select from deliveries for update");
    expect(await retire("deliveries", daysAgo(30))).toEqual([{ retired: 0, reached: null }]);
    await holder.release();
    expect(await retire("deliveries", daysAgo(30))).toMatchObject([{ retired: 1 }]);
  });

  it("holds still while a rebuild runs", async () => {
    await insertHistory(daysAgo(40));
    await using holder = await heldBy(owner, "select pg_advisory_xact_lock(1886547818, -1)");
    expect(await retire("deliveries", daysAgo(30))).toEqual([]);
    expect(await dropDay()).toBe("busy");
    await holder.release();
  });

  it.each(PARTS)("refuses to forget %s of the last eight days, whoever asks", async (part) => {
    await expect(retire(part, daysAgo(7.9))).rejects.toThrow("history is kept for at least 8 days");
    await expect(retire(part, new Date(Date.now() + DAY_MS))).rejects.toThrow("history is kept for at least 8 days");
  });

  it.each([0, 10_001])("refuses pages of %s rows", async (rowsMax) => {
    await expect(retire("deliveries", daysAgo(30), rowsMax)).rejects.toThrow("rows_max must be from 1 to 10000");
  });
});

async function heldBy({ pool }: ReturnType<typeof openDatabase>, statement: string) {
  const client = await pool.connect();
  let isOpen = true;
  const release = async () => {
    if (isOpen) await client.query("rollback");
    if (isOpen) client.release();
    isOpen = false;
  };
  await client.query("begin");
  await client.query(statement);
  return { release, [Symbol.asyncDispose]: release };
}

async function dropDay(): Promise<string | undefined> {
  const { rows } = await scheduler.pool.query<{ outcome: string }>("select * from drop_oldest_delivery_log_day()");
  return rows[0]?.outcome;
}

/** As many days as may go; how many these were. */
async function dropDays(): Promise<number> {
  let dropped = 0;
  while ((await dropDay()) === "dropped") dropped += 1;
  return dropped;
}

async function archive(storedAt: Date, sequence: number): Promise<void> {
  await owner.pool.query("insert into delivery_log values (3, 1, $1, $2, '')", [sequence, storedAt]);
}

async function archiveDays(...ages: readonly number[]): Promise<void> {
  for (const age of ages) {
    const day = daysAgo(age).toISOString().slice(0, "2026-03-24".length);
    await owner.pool.query("select ensure_delivery_log_partitions($1, 1)", [day]);
    await archive(daysAgo(age), age);
  }
}

async function archivedAges(): Promise<readonly number[]> {
  const { rows } = await owner.pool.query<{ sequence: number }>("select sequence from delivery_log order by sequence");
  return rows.map((row) => row.sequence);
}

describe("the archive", () => {
  it("loses whole days behind the history that was forgotten, the oldest first, and a day later", async () => {
    await archiveDays(40, 39, 32, 30, 1);
    expect(await dropDays()).toBe(0);
    await retireAll(daysAgo(30));
    expect(await dropDays()).toBe(3);
    expect(await archivedAges()).toEqual([1, 30]);
    const { rows } = await scheduler.pool.query<{ archive_from: Date }>("select archive_from from retention_progress");
    const [from] = rows.map((row) => row.archive_from.getTime());
    expect(from).toBe(Math.floor(daysAgo(31).getTime() / DAY_MS) * DAY_MS);
  });

  it("loses old rows that no partition of their own holds", async () => {
    await archive(daysAgo(45), 45);
    await archive(daysAgo(9), 9);
    await retireAll(daysAgo(30));
    expect(await dropDay()).toBe("nothing");
    expect(await archivedAges()).toEqual([9]);
  });

  it("keeps the days since the oldest open delivery, and since the oldest running replay, was made", async () => {
    await archiveDays(40, 36, 35, 34);
    await insertReplay("running", daysAgo(35));
    await retireAll(daysAgo(20));
    expect(await dropDays()).toBe(2);
    await owner.pool.query("truncate replays");
    await insertHistory(daysAgo(34), { open: true });
    await retireAll(daysAgo(20));
    expect(await dropDays()).toBe(1);
    expect(await archivedAges()).toEqual([34]);
  });

  it("keeps the days since the oldest delivery that is kept for a running replay was made", async () => {
    const webhookId = randomUUID();
    await archiveDays(40, 35, 34);
    await insertHistory(daysAgo(35), { webhookId });
    await insertReplay("running", daysAgo(9), webhookId);
    await retireAll(daysAgo(20));
    expect(await dropDays()).toBe(1);
    expect(await archivedAges()).toEqual([34, 35]);
    await owner.pool.query("update replays set state = 'finished'");
    await retireAll(daysAgo(20));
    expect(await dropDays()).toBe(2);
  });

  it("keeps the last eight days, whatever the progress says", async () => {
    await archiveDays(10, 7);
    await owner.pool.query("update retention_progress set history_before = now() + interval '1 day'");
    expect(await dropDays()).toBe(1);
    expect(await archivedAges()).toEqual([7]);
  });

  it("waits for nobody: who reads it is not held up behind a drop", async () => {
    await archiveDays(40);
    await retireAll(daysAgo(30));
    await using reader = await heldBy(owner, "select from delivery_log");
    expect(await dropDay()).toBe("busy");
    await reader.release();
    expect(await dropDay()).toBe("dropped");
  });

  it("is still refused to everybody, DELETE and all", async () => {
    for (const service of DATABASE_SERVICES) {
      await using opened = openDatabase(urlOf(service), OPTIONS);
      for (const statement of [
        "delete from delivery_log",
        "truncate delivery_log",
        "drop table delivery_log_default",
      ]) {
        await expect(opened.pool.query(statement), statement).rejects.toThrow(/permission denied|must be owner/);
      }
    }
  });
});

describe("the doors", () => {
  const CALLS = [
    `retire_history('deliveries', '2020-01-01', '${FIRST_ID}', 1)`,
    "drop_oldest_delivery_log_day()",
    `retire_deliveries('2020-01-01', '${FIRST_ID}', 1)`,
    `retire_events('2020-01-01', '${FIRST_ID}', 1)`,
    "retire_records('2020-01-01')",
  ];

  it.each(["api", "projector"] as const)("are closed to %s", async (service) => {
    await using opened = openDatabase(urlOf(service), OPTIONS);
    for (const call of CALLS) {
      await expect(opened.pool.query(`select ${call}`), call).rejects.toThrow("permission denied for function");
    }
  });

  it("open to the scheduler for what is bounded, and for nothing else", async () => {
    for (const call of CALLS.slice(2)) {
      await expect(scheduler.pool.query(`select ${call}`), call).rejects.toThrow("permission denied for function");
    }
    await expect(scheduler.pool.query("update retention_progress set history_before = now()")).rejects.toThrow(
      "permission denied",
    );
  });
});
