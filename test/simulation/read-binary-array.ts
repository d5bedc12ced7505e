/** Reads back the arrays and the rows that the projector writes for Postgres' binary format. */

import type { RowsToCopy } from "@posthorn/database";

const HEADER_BYTES = 20;
const LENGTH_AT = 12;
const TYPE_AT = 8;
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

type Reader = (bytes: Buffer) => unknown;

const READERS: Readonly<Record<string, Reader>> = {
  bool: (bytes) => bytes[0] === 1,
  bytea: (bytes) => Buffer.from(bytes),
  int8: (bytes) => Number(bytes.readBigInt64BE()),
  int2: (bytes) => bytes.readInt16BE(),
  int4: (bytes) => bytes.readInt32BE(),
  text: (bytes) => bytes.toString(),
  timestamptz: (bytes) => new Date(Number(bytes.readBigInt64BE()) / 1_000 + POSTGRES_EPOCH_MS),
  uuid: readUuid,
  "bigint[]": readBinaryArray,
};

const TYPES: ReadonlyMap<number, string> = new Map([
  [16, "bool"],
  [17, "bytea"],
  [20, "int8"],
  [21, "int2"],
  [23, "int4"],
  [25, "text"],
  [1184, "timestamptz"],
  [2950, "uuid"],
]);

const COPY_HEADER_BYTES = 19;
const COUNT_BYTES = 2;

/** The fields of each row, in the order of the columns. */
export function readCopiedRows({ columns, bytes }: RowsToCopy): readonly (readonly unknown[])[] {
  const buffer = Buffer.from(bytes);
  const rows: unknown[][] = [];
  for (let at = COPY_HEADER_BYTES; buffer.readInt16BE(at) >= 0; ) {
    at += COUNT_BYTES;
    const row = columns.map(({ type }) => {
      const { value, next } = readValue(buffer, at, type);
      at = next;
      return value;
    });
    rows.push(row);
  }
  return rows;
}

function readValue(buffer: Buffer, at: number, type: string) {
  const read = READERS[type];
  if (read === undefined) throw new Error(`the model reads nothing of the type ${type}`);
  const length = buffer.readInt32BE(at);
  const begin = at + 4;
  if (length < 0) return { value: null, next: begin };
  return { value: read(buffer.subarray(begin, begin + length)), next: begin + length };
}

export function readBinaryArray(array: Buffer): readonly unknown[] {
  const oid = array.readInt32BE(TYPE_AT);
  const values: unknown[] = [];
  let at = HEADER_BYTES;
  for (let left = array.readInt32BE(LENGTH_AT); left > 0; left -= 1) {
    const { value, next } = readValue(array, at, TYPES.get(oid) ?? `with the number ${oid}`);
    values.push(value);
    at = next;
  }
  return values;
}

function readUuid(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
