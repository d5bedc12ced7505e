import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openDatabase } from "@posthorn/database";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareDatabase } from "../../deploy/local/prepare-database.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TABLES = ["deliveries", "events", "retry_due", "webhook_health"] as const;
const WRITTEN_ONCE = ["delivery_log", "events"] as const;
/** The scheduler's own mark is no projection. */
const NOT_PROJECTED = new Set(["claimed_until"]);
const EVENTS = 200;
const DAY_MS = 86_400_000;

describe("the projections", () => {
  let stack: TestStack;
  let tenant: Tenant;
  let receiver: Receiver;
  const owned = new AsyncDisposableStack();
  beforeAll(async () => {
    stack = owned.use(await startTestStack({ env: { POSTHORN_RETENTION_DAYS: "9" } }));
    tenant = await createTenant(stack, "rebuild");
    receiver = owned.use(await startReceiver({ script: (request) => (request.index % 3 === 0 ? 500 : 200) }));
  });
  afterAll(() => owned.disposeAsync());

  async function rowsOf(table: string): Promise<unknown[]> {
    await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
    const { rows } = await database.pool.query(`select * from ${table}`);
    return rows
      .map((row) => JSON.stringify(Object.entries(row).filter(([column]) => !NOT_PROJECTED.has(column))))
      .sort();
  }

  async function metricsOf(service: string): Promise<string> {
    const port = stack.stack.instances.find(({ name }) => name === service)?.httpPort;
    return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  }

  it("are the same, all rows and columns, when they are rebuilt from the archive", async () => {
    await tenant.subscribe({ url: receiver.url, events: ["kept.*"], retry_schedule_s: [1, 500] });
    await tenant.subscribe({ url: `${receiver.url}/paused`, events: ["kept.*"], is_active: false });
    for (let index = 0; index < EVENTS; index += 1) await tenant.publish({ type: "kept.one", data: { index } });
    await tenant.publish({ type: "matched.by.nobody", data: {} });
    await waitUntil(
      async () => {
        const deliveries = await rowsOf("deliveries");
        const rows = (await rowsOf("retry_due")).map(String);
        if (rows.some((row) => row.includes('"attempt",2'))) return false;
        const waiting = rows.length;
        const ended = deliveries.filter((row) => /"status","(delivered|skipped)"/.test(String(row))).length;
        const events = (await rowsOf("events")).length;
        return events === EVENTS + 1 && deliveries.length === 2 * EVENTS && ended + waiting === deliveries.length;
      },
      { timeoutMs: 30_000, everyMs: 500, describe: "history to be complete" },
    );
    const before = await Promise.all(TABLES.map(rowsOf));
    for (const rows of before) expect(rows.length).toBeGreaterThan(0);
    await promisify(execFile)(process.execPath, ["services/projector/src/rebuild-main.ts"], {
      cwd: ROOT,
      env: { ...process.env, DATABASE_URL: stack.stack.databaseUrl },
    });
    const after = await Promise.all(TABLES.map(rowsOf));
    for (const [index, table] of TABLES.entries()) {
      const live = new Set(before[index]);
      expect(
        after[index]?.filter((row) => !live.has(row)),
        `rows of ${table} that differ`,
      ).toEqual([]);
      expect(after[index]).toHaveLength(live.size);
    }

    await tenant.publish({ type: "kept.after", data: {} });
    await waitUntil(async () => (await rowsOf("events")).length === EVENTS + 2, {
      timeoutMs: 10_000,
      describe: "the projector to go on after a rebuild",
    });
  }, 120_000);

  it("lose what is older than history is kept, in its days of the archive too, and nothing else", async () => {
    const before = await Promise.all(WRITTEN_ONCE.map(rowsOf));
    await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
    const { pool } = database;
    const [old, young] = [10, 8].map((age) => new Date(Date.now() - age * DAY_MS));
    for (const acceptedAt of [old, young]) {
      await pool.query(
        `insert into events (id, org_id, accepted_at, place_epoch_ms, place_sequence, place_index, type, traceparent)
         values (first_event_id_of($1::timestamptz), $2, $1, 1, 1, 0, 'old.one', 'tp')`,
        [acceptedAt, tenant.orgId],
      );
    }
    const oldDay = new Date(Date.now() - 12 * DAY_MS);
    await pool.query("select ensure_delivery_log_partitions($1::date, 1)", [oldDay]);
    await pool.query("insert into delivery_log values (0, 1, 1, $1, '')", [oldDay]);

    await stack.killAndAwaitRestart("scheduler");
    await waitUntil(async () => (await pool.query("select from delivery_log where epoch_ms = 1")).rowCount === 0, {
      timeoutMs: 30_000,
      describe: "the old day of the archive to be dropped",
    });
    const left = await pool.query<{ accepted_at: Date }>("select accepted_at from events where type = 'old.one'");
    expect(left.rows.map((row) => row.accepted_at)).toEqual([young]);
    await waitUntil(
      async () => /posthorn_stream_fill_ratio\{stream="INGEST"\} [0-9]/.test(await metricsOf("scheduler")),
      {
        describe: "the scheduler to look how full the streams are",
      },
    );
    expect(await metricsOf("scheduler")).toContain('posthorn_retired_rows_total{part="events"} 1');
    const after = await Promise.all(WRITTEN_ONCE.map(rowsOf));
    for (const [index, rows] of before.entries()) expect(after[index]).toEqual(expect.arrayContaining(rows));
  }, 60_000);

  it("stand on an archive that no service can change", async () => {
    const urls = await prepareDatabase(stack.stack.databaseUrl);
    for (const url of Object.values(urls)) {
      await using database = openDatabase(url, { poolMax: 1, applicationName: "test" });
      for (const statement of [
        "update delivery_log set bytes = ''",
        "delete from delivery_log",
        "truncate delivery_log",
      ]) {
        await expect(database.pool.query(statement)).rejects.toThrow(/permission denied/);
      }
    }
    expect(Object.keys(urls).sort()).toEqual(["api", "projector", "scheduler"]);
  });
});
