import { createTestDatabase, waitUntil } from "@posthorn/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "./index.ts";

describe("openDatabase", () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test("bigints arrive as numbers, in arrays too", async () => {
    await using opened = openDatabase(database.url, { poolMax: 1, applicationName: "open-test" });
    const { rows } = await sql`
      select 9007199254740991::bigint as safe, '{1,2}'::bigint[] as several, '{}'::bigint[] as none`.execute(opened.db);
    expect(rows).toEqual([{ safe: Number.MAX_SAFE_INTEGER, several: [1, 2], none: [] }]);
  });

  test("a bigint that a number cannot hold is refused, not rounded", async () => {
    await using opened = openDatabase(database.url, { poolMax: 1, applicationName: "open-test" });
    await expect(sql`select 9007199254740993::bigint`.execute(opened.db)).rejects.toThrow("9007199254740993");
  });

  test.each(["pool", "kysely"] as const)("disposing closes the connections that the %s has opened", async (user) => {
    const applicationName = `open-test-closed-${user}`;
    {
      await using opened = openDatabase(database.url, { poolMax: 2, applicationName });
      if (user === "pool") await opened.pool.query("select 1");
      else await sql`select 1`.execute(opened.db);
    }
    await using other = openDatabase(database.url, { poolMax: 1, applicationName: "open-test" });
    await waitUntil(
      async () => {
        const { rowCount } = await other.pool.query("select 1 from pg_stat_activity where application_name = $1", [
          applicationName,
        ]);
        return rowCount === 0;
      },
      { describe: "the server to see the connections closed" },
    );
  });

  test("connections that break, idle or in a transaction, are replaced and end nothing", async () => {
    const lost: string[] = [];
    await using opened = openDatabase(database.url, {
      poolMax: 2,
      applicationName: "open-test-broken",
      onConnectionLost: (reason) => lost.push(reason),
    });
    await using other = openDatabase(database.url, { poolMax: 1, applicationName: "open-test" });
    const held = await opened.pool.connect();
    await held.query("begin");
    await opened.pool.query("select 1");
    await other.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'open-test-broken'",
    );
    await expect(held.query("select 1")).rejects.toThrow();
    held.release(true);
    await waitUntil(() => lost.length === 1, { describe: "the idle connection to be reported" });
    await expect(opened.pool.query("select 1")).resolves.toMatchObject({ rowCount: 1 });
  });
});
