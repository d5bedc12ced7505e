import { type OpenDatabase, openDatabase, type PoolClient } from "@posthorn/database";
import { createTestDatabase, type TestDatabase } from "@posthorn/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byteaArray, int8Array, timestampArray, uuidArray } from "./binary-arrays.ts";
import {
  bool,
  bulkCopy,
  bulkInsert,
  bulkUpdate,
  type Column,
  int2,
  int4,
  int8,
  int8List,
  type Statement,
  text,
  textList,
  timestamp,
  uuid,
} from "./bulk-insert.ts";
import { inTransaction, send } from "./transaction.ts";

let testDatabase: TestDatabase;
let database: OpenDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url, { poolMax: 1, applicationName: "bulk-insert-test", isPipelined: true });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await testDatabase[Symbol.asyncDispose]();
});

type Numbered<Value> = { readonly number: number; readonly value: Value };

const NUMBER: Column<Numbered<unknown>> = int4("number", (row) => row.number);

/** Of a table for each type, because a connection prepares a statement once. */
const tableOf = (type: string) => `written_${type.replace(/\W/g, "_")}`;

/** Runs the statements on the empty table of the type and reads back what is in it then, in order. */
async function written(type: string, statements: readonly Statement[]): Promise<unknown[]> {
  return await inTransaction(database.pool, async (client: PoolClient) => {
    await client.query(`create temp table ${tableOf(type)} (number int primary key, value ${type}) on commit drop`);
    await Promise.all(statements.map((statement) => send(client, statement)));
    const query = `select value from ${tableOf(type)} order by number`;
    const { rows } = await client.query<{ value: unknown }>(query);
    return { kind: "roll-back", result: rows.map((row) => row.value ?? undefined) };
  });
}

/** Copied, inserted and updated, the values arrive the same; returns as what. */
async function arrived<Value>(type: string, column: Column<Numbered<Value>>, values: readonly Value[]) {
  const table = tableOf(type);
  const rows = values.map((value, number) => ({ number, value }));
  const columns = [NUMBER, column];
  const copied = await written(type, bulkCopy(table, columns)(rows));
  const updates = [...bulkCopy(table, [NUMBER])(rows), ...bulkUpdate(table, NUMBER, [column])(rows)];
  expect(await written(type, bulkInsert(table, columns, "do nothing")(rows))).toEqual(copied);
  expect(await written(type, updates)).toEqual(copied);
  return copied;
}

const orMissing = <T>(values: fc.Arbitrary<T>) => fc.array(fc.option(values, { nil: undefined }));
const RUNS = { numRuns: 15 };

describe("copied, inserted or updated", () => {
  test("uuids arrive as they are", () =>
    fc.assert(
      fc.asyncProperty(orMissing(fc.uuid()), async (ids) => {
        const column = uuid<Numbered<string | undefined>>("value", (row) => row.value);
        expect(await arrived("uuid", column, ids)).toEqual(ids);
      }),
      RUNS,
    ));

  test("truth values arrive as they are", async () => {
    const column = bool<Numbered<boolean>>("value", (row) => row.value);
    expect(await arrived("bool", column, [true, false, true])).toEqual([true, false, true]);
  });

  test("numbers arrive as they are, up to the largest safe one, and so does their absence", () =>
    fc.assert(
      fc.asyncProperty(orMissing(fc.integer()), orMissing(fc.maxSafeInteger()), async (small, large) => {
        const ofSmall = int4<Numbered<number | undefined>>("value", (row) => row.value);
        const ofLarge = int8<Numbered<number | undefined>>("value", (row) => row.value);
        expect(await arrived("int", ofSmall, small)).toEqual(small);
        expect(await arrived("bigint", ofLarge, large)).toEqual(large);
      }),
      RUNS,
    ));

  test("small numbers arrive as they are", async () => {
    const values = [-32_768, -1, 0, 7, 32_767];
    const column = int2<Numbered<number>>("value", (row) => row.value);
    expect(await arrived("smallint", column, values)).toEqual(values);
  });

  test("times arrive to the millisecond", () =>
    fc.assert(
      fc.asyncProperty(
        orMissing(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })),
        async (times) => {
          const column = timestamp<Numbered<Date | undefined>>("value", (row) => row.value?.getTime());
          expect(await arrived("timestamptz(3)", column, times)).toEqual(times);
        },
      ),
      RUNS,
    ));

  test("texts arrive whatever characters they hold, but for NUL, which Postgres cannot store and which is replaced", () =>
    fc.assert(
      fc.asyncProperty(orMissing(fc.string({ unit: "grapheme" })), async (texts) => {
        const column = text<Numbered<string | undefined>>("value", (row) => row.value);
        const storable = texts.map((value) => value?.replaceAll("\0", "\uFFFD"));
        expect(await arrived("text", column, texts)).toEqual(storable);
      }),
      RUNS,
    ));

  test("lists of texts arrive as they are, whatever stands in them", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.string().filter((value) => !value.includes("\0")))), async (lists) => {
        const column = textList<Numbered<readonly string[]>>("value", (row) => row.value);
        expect(await arrived("text[]", column, lists)).toEqual(lists);
      }),
      RUNS,
    ));

  test("lists of numbers arrive as they are, each with its own length", async () => {
    const lists = [[], [1], [2, 9_007_199_254_740_991]];
    const column = int8List<Numbered<readonly number[]>>("value", (row) => row.value);
    expect(await arrived("bigint[]", column, lists)).toEqual(lists);
  });

  test("a text that is longer than was reckoned with arrives whole", async () => {
    const texts = ["a", "ä".repeat(100_000), "b"];
    const column = text<Numbered<string>>("value", (row) => row.value);
    expect(await arrived("text", column, texts)).toEqual(texts);
  });
});

test.each([
  ["a number beyond four bytes", int4<Numbered<number>>("value", (row) => row.value), 2 ** 31],
  ["a number beyond two bytes", int2<Numbered<number>>("value", (row) => row.value), 2 ** 15],
  ["a fraction", int8<Numbered<number>>("value", (row) => row.value), 0.5],
])("%s is refused before anything is sent", (_, column, value) => {
  expect(() => bulkCopy("written", [column])([{ number: 1, value }])).toThrow(RangeError);
});

test("a row that is there already fails the copy, and the connection goes on", async () => {
  const column = int8<Numbered<number>>("value", (row) => row.value);
  const rows = [{ number: 1, value: 1 }];
  const copy = bulkCopy(tableOf("bigint"), [NUMBER, column])(rows);
  await expect(written("bigint", [...copy, ...copy])).rejects.toMatchObject({ code: "23505" });
  expect(await written("bigint", copy)).toEqual([1]);
});

test("arrays of what is never missing arrive as they are", async () => {
  const unnested = async (type: string, array: Buffer) => {
    const { rows } = await database.pool.query<{ value: unknown }>(`select unnest($1::${type}[]) as value`, [array]);
    return rows.map((row) => row.value);
  };
  const id = "0190163d-8694-739b-aea5-966c26f8ad90";
  expect(await unnested("uuid", uuidArray([id]))).toEqual([id]);
  expect(await unnested("bigint", int8Array([1, -2]))).toEqual([1, -2]);
  expect(await unnested("timestamptz", timestampArray([0]))).toEqual([new Date(0)]);
  expect(await unnested("bytea", byteaArray([Buffer.from("\0x"), Buffer.of()]))).toEqual([
    Buffer.from("\0x"),
    Buffer.of(),
  ]);
});
