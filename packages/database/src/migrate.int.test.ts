import { createTestDatabase, testRolePasswords as rolePasswords } from "@posthorn/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DATABASE_SERVICES, type DatabaseService, migrate, openDatabase, roleOf, serviceUrl } from "./index.ts";

const options = { poolMax: 2, applicationName: "migrate-test" };

describe("migrate", () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    await Promise.all([migrate(database.url, { rolePasswords }), migrate(database.url, { rolePasswords })]);
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const openAs = (service: DatabaseService) =>
    openDatabase(serviceUrl(database.url, service, rolePasswords[service]), options);

  test("a second run changes nothing and keeps what is stored", async () => {
    await using owner = openDatabase(database.url, options);
    await insertLogRow(owner, 1);
    await migrate(database.url, { rolePasswords });
    const rows = await owner.db.selectFrom("delivery_log").select("sequence").execute();
    expect(rows).toEqual([{ sequence: 1 }]);
  });

  test.each(DATABASE_SERVICES)("%s connects as its own role, which owns nothing", async (service) => {
    await using opened = openAs(service);
    const { rows } = await sql<{ role: string; owned: number }>`
      select current_user as role,
        (select count(*) from pg_class where relowner = current_user::regrole) as owned`.execute(opened.db);
    expect(rows).toEqual([{ role: roleOf(service), owned: 0 }]);
  });

  test.each(DATABASE_SERVICES)("the archive refuses UPDATE, DELETE and TRUNCATE of %s", async (service) => {
    await using opened = openAs(service);
    for (const table of ["delivery_log", "delivery_log_default"]) {
      for (const statement of [`update ${table} set bytes = ''`, `delete from ${table}`, `truncate ${table}`]) {
        await expect(opened.pool.query(statement), statement).rejects.toThrow(`permission denied for table ${table}`);
      }
    }
  });

  test("only the projector appends to the archive", async () => {
    await using projector = openAs("projector");
    await insertLogRow(projector, 2);
    for (const service of ["api", "scheduler"] as const) {
      await using other = openAs(service);
      await expect(insertLogRow(other, 3)).rejects.toThrow("permission denied");
    }
  });

  test("the projector makes partitions ahead, repeatedly, and rows find them", async () => {
    await using projector = openAs("projector");
    const made = () =>
      sql<{ made: number }>`select ensure_delivery_log_partitions('2031-02-27', 3) as made`.execute(projector.db);
    expect((await made()).rows).toEqual([{ made: 3 }]);
    expect((await made()).rows).toEqual([{ made: 0 }]);
    await insertLogRow(projector, 4, new Date("2031-02-28T23:59:59.999Z"));
    const { rows } = await sql<{ partition: string }>`
      select tableoid::regclass::text as partition from delivery_log where sequence = 4`.execute(projector.db);
    expect(rows).toEqual([{ partition: "delivery_log_20310228" }]);
    await expect(projector.pool.query("truncate delivery_log_20310228")).rejects.toThrow("permission denied");
  });

  test("a day whose rows came before its partition keeps them, and the days after it get theirs", async () => {
    await using projector = openAs("projector");
    await insertLogRow(projector, 5, new Date("2032-05-01T12:00:00.000Z"));
    const { rows } = await sql<{ made: number }>`
      select ensure_delivery_log_partitions('2032-05-01', 2) as made`.execute(projector.db);
    expect(rows).toEqual([{ made: 1 }]);
    await expect(
      projector.db.selectFrom("delivery_log").where("sequence", "=", 5).select("sequence").execute(),
    ).resolves.toHaveLength(1);
  });

  test("only the projector may make partitions", async () => {
    for (const service of ["api", "scheduler"] as const) {
      await using other = openAs(service);
      await expect(other.pool.query("select ensure_delivery_log_partitions('2033-01-01', 1)")).rejects.toThrow(
        "permission denied for function",
      );
    }
  });

  test("the scheduler releases retries, but writes no history", async () => {
    await using scheduler = openAs("scheduler");
    await scheduler.db.updateTable("retry_due").set({ claimed_until: null }).execute();
    await scheduler.db.deleteFrom("retry_due").execute();
    await expect(scheduler.pool.query("delete from deliveries")).rejects.toThrow("permission denied");
    await expect(scheduler.pool.query("update projector_checkpoint set sequence = 0")).rejects.toThrow(
      "permission denied",
    );
  });
});

function insertLogRow(
  opened: ReturnType<typeof openDatabase>,
  sequence: number,
  stored_at: Date = new Date("2030-01-01T00:00:00.000Z"),
) {
  const row = { partition: 0, epoch_ms: 1, sequence, stored_at, bytes: Buffer.from([1]) };
  return opened.db.insertInto("delivery_log").values(row).execute();
}
