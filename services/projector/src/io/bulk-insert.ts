/**
 * Inserts many rows with one prepared statement, whose parameters are one array per column. The statement's text does
 * not depend on the rows, so each connection prepares it once.
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
export type BulkInsert<Row> = (rows: readonly Row[]) => readonly Statement[];

/** @param onConflict what follows ON CONFLICT. */
export function bulkInsert<Row>(table: string, columns: readonly Column<Row>[], onConflict: string): BulkInsert<Row> {
  const names = columns.map((column) => column.name).join(", ");
  const values = columns.map(({ name, cast }) => (cast === undefined ? name : `${name}::${cast}`)).join(", ");
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(", ");
  const statement = `insert into ${table} (${names}) select ${values} from unnest(${arrays}) as given (${names})
    on conflict ${onConflict}`;
  return (rows) => {
    if (rows.length === 0) return [];
    return [{ name: `insert-${table}`, text: statement, values: columns.map((column) => column.encode(rows)) }];
  };
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
