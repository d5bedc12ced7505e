/** Reads back the arrays that the projector writes for Postgres' binary format. */

const HEADER_BYTES = 20;
const LENGTH_AT = 12;
const TYPE_AT = 8;
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

type Reader = (bytes: Buffer) => unknown;

const READERS: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [16, (bytes) => bytes[0] === 1],
  [17, (bytes) => Buffer.from(bytes)],
  [20, (bytes) => Number(bytes.readBigInt64BE())],
  [23, (bytes) => bytes.readInt32BE()],
  [25, (bytes) => bytes.toString()],
  [1184, (bytes) => new Date(Number(bytes.readBigInt64BE()) / 1_000 + POSTGRES_EPOCH_MS)],
  [2950, readUuid],
]);

export function readBinaryArray(array: Buffer): readonly unknown[] {
  const type = array.readInt32BE(TYPE_AT);
  const read = READERS.get(type);
  if (read === undefined) throw new Error(`the model reads no arrays of the type ${type}`);
  const values: unknown[] = [];
  let at = HEADER_BYTES;
  for (let left = array.readInt32BE(LENGTH_AT); left > 0; left -= 1) {
    const length = array.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : read(array.subarray(at, at + length)));
    at += Math.max(0, length);
  }
  return values;
}

function readUuid(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
