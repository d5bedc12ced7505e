/** The outbox between two changes of one moment, which only a slow bucket can tell apart. */

import { type OpenDatabase, openDatabase } from "@posthorn/database";
import { createTestDatabase, type TestDatabase } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openConfigEntries } from "./config-entries.ts";
import { openConfigOutbox } from "./config-outbox.ts";
import type { WriteEntries } from "./write-entries.ts";

const ORG = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

let testDatabase: TestDatabase;
let database: OpenDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url, { poolMax: 4, applicationName: "test" });
  const row = { id: ORG, name: "Acme", created_at: new Date(), version: 0 };
  await database.db.insertInto("organisations").values(row).execute();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await testDatabase[Symbol.asyncDispose]();
});

async function change(version: number): Promise<void> {
  const row = { kind: "organisation", org_id: ORG, entity_id: ORG, version, created_at: new Date() };
  await database.db.updateTable("organisations").set({ version }).where("id", "=", ORG).execute();
  await database.db.insertInto("config_outbox").values(row).execute();
}

function open(writeEntries: WriteEntries) {
  const troubles: string[] = [];
  const outbox = openConfigOutbox({
    db: database.db,
    entries: openConfigEntries(database.db),
    writeEntries,
    nowMs: Date.now,
    onApplied: () => {},
    onTrouble: (reason) => troubles.push(reason),
  });
  return { outbox, troubles };
}

it("keeps a change that was made while the one before was being written", async () => {
  const written: number[] = [];
  const { outbox } = open(async (entries) => {
    written.push(...entries.map(({ value }) => value.version));
    if (written.length === 1) await change(2);
    return { written: entries, outdated: [], failure: undefined };
  });
  await change(1);
  expect(await outbox.settled()).toBe(true);
  expect(await outbox.settled()).toBe(true);
  expect(written).toEqual([1, 2]);
  await outbox[Symbol.asyncDispose]();
});

it("says that it does not flow while the bucket refuses, keeps the change, and brings it in later", async () => {
  let failure: string | undefined = "the bucket is full";
  const { outbox, troubles } = open(async (entries) => ({
    written: failure === undefined ? entries : [],
    outdated: [],
    failure,
  }));
  expect(outbox.isFlowing).toBe(true);
  await change(3);
  expect(await outbox.settled()).toBe(false);
  expect(outbox.isFlowing).toBe(false);
  expect(troubles).toContain("the bucket is full");
  failure = undefined;
  expect(await outbox.settled()).toBe(true);
  expect(outbox.isFlowing).toBe(true);
  const left = await database.db.selectFrom("config_outbox").selectAll().execute();
  expect(left).toEqual([]);
  await outbox[Symbol.asyncDispose]();
});

it("shares a round among those who wait at the same moment", async () => {
  let rounds = 0;
  const { outbox } = open(async (entries) => {
    rounds += 1;
    return { written: entries, outdated: [], failure: undefined };
  });
  await change(4);
  await Promise.all(Array.from({ length: 50 }, () => outbox.settled()));
  expect(rounds).toBe(1);
  await outbox[Symbol.asyncDispose]();
});
