import { openDatabase } from "@posthorn/database";
import { createTestDatabase, type TestDatabase } from "@posthorn/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  boolArray,
  byteaArray,
  int4Array,
  int8Array,
  int8ArrayTexts,
  textArray,
  textArrayTexts,
  timestampArray,
  uuidArray,
} from "./binary-arrays.ts";

let testDatabase: TestDatabase;
let database: ReturnType<typeof openDatabase>;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url, { poolMax: 1, applicationName: "binary-arrays-test" });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await testDatabase[Symbol.asyncDispose]();
});

/** What Postgres makes of the array: one value per element. */
async function unnested(type: string, array: Buffer): Promise<unknown[]> {
  const { rows } = await database.pool.query<{ value: unknown }>(`select unnest($1::${type}[]) as value`, [array]);
  return rows.map((row) => row.value ?? undefined);
}

const orMissing = <T>(values: fc.Arbitrary<T>) => fc.array(fc.option(values, { nil: undefined }));
const RUNS = { numRuns: 30 };

test("uuids arrive as they are", () =>
  fc.assert(
    fc.asyncProperty(orMissing(fc.uuid()), async (ids) => {
      expect(await unnested("uuid", uuidArray(ids))).toEqual(ids);
    }),
    RUNS,
  ));

test("truth values arrive as they are", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.boolean()), async (values) => {
      expect(await unnested("bool", boolArray(values))).toEqual(values);
    }),
    RUNS,
  ));

test("lists of texts arrive as they are, whatever stands in them", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.string().filter((text) => !text.includes("\0")))), async (lists) => {
      const query = "select unnest($1::text[])::text[] as value";
      const { rows } = await database.pool.query<{ value: string[] }>(query, [textArrayTexts(lists)]);
      expect(rows.map((row) => row.value)).toEqual(lists);
    }),
    RUNS,
  ));

test("numbers arrive as they are, up to the largest safe one, and so does their absence", () =>
  fc.assert(
    fc.asyncProperty(orMissing(fc.integer()), orMissing(fc.maxSafeInteger()), async (small, large) => {
      expect(await unnested("int4", int4Array(small))).toEqual(small);
      expect(await unnested("int8", int8Array(large))).toEqual(large);
    }),
    RUNS,
  ));

test("times arrive to the millisecond", () =>
  fc.assert(
    fc.asyncProperty(
      orMissing(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })),
      async (times) => {
        const array = timestampArray(times.map((time) => time?.getTime()));
        expect(await unnested("timestamptz", array)).toEqual(times);
      },
    ),
    RUNS,
  ));

test("texts arrive whatever characters they hold, but for NUL, which Postgres cannot store and which is replaced", () =>
  fc.assert(
    fc.asyncProperty(orMissing(fc.string({ unit: "grapheme" })), async (texts) => {
      const storable = texts.map((text) => text?.replaceAll("\0", "\uFFFD"));
      expect(await unnested("text", textArray(texts))).toEqual(storable);
    }),
    RUNS,
  ));

test("bytes arrive as they are", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), async (values) => {
      expect(await unnested("bytea", byteaArray(values))).toEqual(values.map((value) => Buffer.from(value)));
    }),
    RUNS,
  ));

test("arrays of different lengths arrive as texts of arrays", async () => {
  const { rows } = await database.pool.query("select value::bigint[] from unnest($1::text[]) as t (value)", [
    int8ArrayTexts([[], [1], [2, 9_007_199_254_740_991]]),
  ]);
  expect(rows).toEqual([{ value: [] }, { value: [1] }, { value: [2, 9_007_199_254_740_991] }]);
});
