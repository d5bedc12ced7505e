/**
 * Arrays as Postgres reads them in its binary format, to be unnested by a prepared statement. For large batches this
 * costs a fraction of the text format on both sides, and nothing has to be escaped.
 */

import { BinaryWriter } from "./binary-writer.ts";

/** What the elements of an array may be, each with Postgres' number for it. */
const ELEMENT_OIDS = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  timestamptz: 1184,
  uuid: 2950,
} as const;
export type ElementType = keyof typeof ELEMENT_OIDS;

const HEADER_BYTES = 20;
/** Of an element with its length, as far as that can be known; longer ones make the array grow. */
const ELEMENT_BYTES = 24;

/** An array of what `write` writes for each row. */
export function arrayOf<Row>(
  type: ElementType,
  rows: readonly Row[],
  write: (writer: BinaryWriter, row: Row) => void,
): Buffer {
  const writer = new BinaryWriter(HEADER_BYTES + rows.length * ELEMENT_BYTES);
  writer.arrayHeader(ELEMENT_OIDS[type], rows.length);
  for (const row of rows) write(writer, row);
  return writer.finish();
}

export function uuidArray(ids: readonly string[]): Buffer {
  return arrayOf("uuid", ids, (writer, id) => writer.uuid(id));
}

export function int8Array(values: readonly number[]): Buffer {
  return arrayOf("int8", values, (writer, value) => writer.int8(value));
}

/** @param timesMs Unix times in milliseconds. */
export function timestampArray(timesMs: readonly number[]): Buffer {
  return arrayOf("timestamptz", timesMs, (writer, timeMs) => writer.timestamp(timeMs));
}

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return arrayOf("bytea", values, (writer, value) => writer.bytea(value));
}

/** Arrays as texts of arrays, since Postgres has no arrays of different lengths in one. */
export function int8ListText(values: readonly number[]): string {
  return `{${values.join(",")}}`;
}

export function textListText(texts: readonly string[]): string {
  return `{${texts.map(quotedElement).join(",")}}`;
}

function quotedElement(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
