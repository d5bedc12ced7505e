/**
 * Inserts or updates many rows with one prepared statement, whose parameters are one array per column. The statement's
 * text does not depend on the rows, so each connection prepares it once.
 */

import {
  boolArray,
  int4Array,
  int8Array,
  int8ArrayTexts,
  textArray,
  textArrayTexts,
  timestampArray,
  uuidArray,
} from "./binary-arrays.ts";

export type Column<Row> = {
  readonly name: string;
  /** Of the array's elements. */
  readonly type: string;
  /** What the elements are turned into, when that is another type. */
  readonly cast?: string;
  readonly encode: (rows: readonly Row[]) => Buffer;
};

/** A prepared statement with its parameters, ready to be sent. */
export type Statement = { readonly name: string; readonly text: string; readonly values: unknown[] };

/** No rows, no statement. Throws a RangeError when a row holds what its column cannot. */
export type BulkWrite<Row> = (rows: readonly Row[]) => readonly Statement[];

/** @param onConflict what follows ON CONFLICT; undefined: a row that is there already fails the transaction. */
export function bulkInsert<Row>(
  table: string,
  columns: readonly Column<Row>[],
  onConflict: string | undefined,
): BulkWrite<Row> {
  const conflict = onConflict === undefined ? "" : ` on conflict ${onConflict}`;
  const text = `insert into ${table} (${namesOf(columns)}) select ${columns.map(givenValue).join(", ")}
    from ${givenAs(columns)}${conflict}`;
  return bulkWrite(`${onConflict === undefined ? "add" : "insert"}-${table}`, text, columns);
}

/** Updates the rows with these keys, of which every one is expected to be there. */
export function bulkUpdate<Row>(table: string, key: Column<Row>, columns: readonly Column<Row>[]): BulkWrite<Row> {
  const all = [key, ...columns];
  const changes = columns.map((column) => `${column.name} = ${givenValue(column)}`).join(", ");
  const text = `update ${table} set ${changes} from ${givenAs(all)} where ${table}.${key.name} = given.${key.name}`;
  return bulkWrite(`update-${table}`, text, all);
}

function bulkWrite<Row>(name: string, text: string, columns: readonly Column<Row>[]): BulkWrite<Row> {
  return (rows) => (rows.length === 0 ? [] : [{ name, text, values: columns.map((column) => column.encode(rows)) }]);
}

function namesOf<Row>(columns: readonly Column<Row>[]): string {
  return columns.map((column) => column.name).join(", ");
}

function givenValue<Row>({ name, cast }: Column<Row>): string {
  return cast === undefined ? `given.${name}` : `given.${name}::${cast}`;
}

function givenAs<Row>(columns: readonly Column<Row>[]): string {
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(", ");
  return `unnest(${arrays}) as given (${namesOf(columns)})`;
}

/** `do update` of the named columns to what was to be inserted. */
export function doUpdate(key: string, columns: readonly string[]): string {
  return `(${key}) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}`;
}

export const bool = <Row>(name: string, of: (row: Row) => boolean): Column<Row> => ({
  name,
  type: "bool",
  encode: (rows) => boolArray(rows.map(of)),
});

export const textList = <Row>(name: string, of: (row: Row) => readonly string[]): Column<Row> => ({
  name,
  type: "text",
  cast: "text[]",
  encode: (rows) => textArrayTexts(rows.map(of)),
});

export const uuid = <Row>(name: string, of: (row: Row) => string | undefined): Column<Row> => ({
  name,
  type: "uuid",
  encode: (rows) => uuidArray(rows.map(of)),
});

export const text = <Row>(name: string, of: (row: Row) => string | undefined): Column<Row> => ({
  name,
  type: "text",
  encode: (rows) => textArray(rows.map(of)),
});

export const int4 = <Row>(name: string, of: (row: Row) => number | undefined): Column<Row> => ({
  name,
  type: "int4",
  encode: (rows) => int4Array(rows.map(of)),
});

export const int8 = <Row>(name: string, of: (row: Row) => number | undefined): Column<Row> => ({
  name,
  type: "int8",
  encode: (rows) => int8Array(rows.map(of)),
});

/** Of Unix milliseconds. */
export const timestamp = <Row>(name: string, of: (row: Row) => number | undefined): Column<Row> => ({
  name,
  type: "timestamptz",
  encode: (rows) => timestampArray(rows.map(of)),
});

export const int8List = <Row>(name: string, of: (row: Row) => readonly number[]): Column<Row> => ({
  name,
  type: "text",
  cast: "bigint[]",
  encode: (rows) => int8ArrayTexts(rows.map(of)),
});
