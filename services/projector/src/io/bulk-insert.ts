/**
 * Writes many rows at once. What is certainly new is copied. Everything else is inserted or updated with one prepared
 * statement, whose parameters are one array per column: its text does not depend on the rows, so each connection
 * prepares it once.
 */

import type { RowsToCopy } from "@posthorn/database";
import { arrayOf, type ElementType, int8ListText, textListText } from "./binary-arrays.ts";
import { BinaryWriter } from "./binary-writer.ts";

type Write<Row> = (writer: BinaryWriter, row: Row) => void;

export type Column<Row> = {
  readonly name: string;
  /** As a field of a row, in the column's own type. */
  readonly write: Write<Row>;
} & (
  | { readonly type: ElementType; readonly given?: undefined }
  /** As an element of an array, where Postgres knows no arrays of such. */
  | { readonly type: "bigint[]" | "text[]"; readonly given: { readonly type: ElementType; readonly write: Write<Row> } }
);

/** A statement with its parameters, ready to be sent. */
export type Statement =
  | { readonly kind: "prepared"; readonly name: string; readonly text: string; readonly values: unknown[] }
  | ({ readonly kind: "copy" } & RowsToCopy);

/** No rows, no statement. Throws a RangeError when a row holds what its column cannot. */
export type BulkWrite<Row> = (rows: readonly Row[]) => readonly Statement[];

/** Appends rows of which none is there: one that is fails the transaction. */
export function bulkCopy<Row>(table: string, columns: readonly Column<Row>[]): BulkWrite<Row> {
  const described = columns.map(({ name, type }) => ({ name, type }));
  return (rows) => {
    if (rows.length === 0) return [];
    const writer = new BinaryWriter(rows.length * columns.length * FIELD_BYTES);
    writer.bytes(COPY_HEADER);
    for (const row of rows) {
      writer.count(columns.length);
      for (const column of columns) column.write(writer, row);
    }
    writer.count(COPY_END);
    return [{ kind: "copy", table, columns: described, bytes: writer.finish() }];
  };
}

/** Signature, flags and the length of no extension. */
const COPY_HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const COPY_END = -1;
/** Of a field with its length: a guess that most rows stay within. */
const FIELD_BYTES = 20;

/** @param onConflict what follows ON CONFLICT. */
export function bulkInsert<Row>(table: string, columns: readonly Column<Row>[], onConflict: string): BulkWrite<Row> {
  const text = `insert into ${table} (${namesOf(columns)}) select ${columns.map(givenValue).join(", ")}
    from ${givenAs(columns)} on conflict ${onConflict}`;
  return bulkWrite(`insert-${table}`, text, columns);
}

/** Updates the rows with these keys, of which every one is expected to be there. */
export function bulkUpdate<Row>(table: string, key: Column<Row>, columns: readonly Column<Row>[]): BulkWrite<Row> {
  const all = [key, ...columns];
  const changes = columns.map((column) => `${column.name} = ${givenValue(column)}`).join(", ");
  const text = `update ${table} set ${changes} from ${givenAs(all)} where ${table}.${key.name} = given.${key.name}`;
  return bulkWrite(`update-${table}`, text, all);
}

function bulkWrite<Row>(name: string, text: string, columns: readonly Column<Row>[]): BulkWrite<Row> {
  return (rows) =>
    rows.length === 0
      ? []
      : [{ kind: "prepared", name, text, values: columns.map((column) => parameterOf(column, rows)) }];
}

function parameterOf<Row>(column: Column<Row>, rows: readonly Row[]): Buffer {
  const { type, write } = column.given === undefined ? column : column.given;
  return arrayOf(type, rows, write);
}

function namesOf<Row>(columns: readonly Column<Row>[]): string {
  return columns.map((column) => column.name).join(", ");
}

function givenValue<Row>({ name, type, given }: Column<Row>): string {
  return given === undefined ? `given.${name}` : `given.${name}::${type}`;
}

function givenAs<Row>(columns: readonly Column<Row>[]): string {
  const arrays = columns.map(({ type, given }, index) => `$${index + 1}::${given?.type ?? type}[]`).join(", ");
  return `unnest(${arrays}) as given (${namesOf(columns)})`;
}

/** `do update` of the named columns to what was to be inserted. */
export function doUpdate(key: string, columns: readonly string[]): string {
  return `(${key}) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}`;
}

export const bool = <Row>(name: string, of: (row: Row) => boolean): Column<Row> => ({
  name,
  type: "bool",
  write: (writer, row) => writer.bool(of(row)),
});

export const uuid = <Row>(name: string, of: (row: Row) => string | undefined): Column<Row> => ({
  name,
  type: "uuid",
  write: (writer, row) => writer.uuid(of(row)),
});

export const text = <Row>(name: string, of: (row: Row) => string | undefined): Column<Row> => ({
  name,
  type: "text",
  write: (writer, row) => writer.text(of(row)),
});

export const int2 = <Row>(name: string, of: (row: Row) => number): Column<Row> => ({
  name,
  type: "int2",
  write: (writer, row) => writer.int2(of(row)),
});

export const int4 = <Row>(name: string, of: (row: Row) => number | undefined): Column<Row> => ({
  name,
  type: "int4",
  write: (writer, row) => writer.int4(of(row)),
});

export const int8 = <Row>(name: string, of: (row: Row) => number | undefined): Column<Row> => ({
  name,
  type: "int8",
  write: (writer, row) => writer.int8(of(row)),
});

/** Of Unix milliseconds. */
export const timestamp = <Row>(name: string, of: (row: Row) => number | undefined): Column<Row> => ({
  name,
  type: "timestamptz",
  write: (writer, row) => writer.timestamp(of(row)),
});

export const int8List = <Row>(name: string, of: (row: Row) => readonly number[]): Column<Row> => ({
  name,
  type: "bigint[]",
  write: (writer, row) => writer.int8List(of(row)),
  given: { type: "text", write: (writer, row) => writer.text(int8ListText(of(row))) },
});

export const textList = <Row>(name: string, of: (row: Row) => readonly string[]): Column<Row> => ({
  name,
  type: "text[]",
  write: (writer, row) => writer.textList(of(row)),
  given: { type: "text", write: (writer, row) => writer.text(textListText(of(row))) },
});
