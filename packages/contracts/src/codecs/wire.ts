/** How bytes of the wire become values: a failure is a value, because a message that cannot be read must be set aside. */

import { BinaryWriter } from "@bufbuild/protobuf/wire";

export type Decoded<Value> =
  | { readonly kind: "decoded"; readonly value: Value }
  | { readonly kind: "undecodable"; readonly reason: string };

/** A field that the domain refuses; caught by `decoding`. */
export class WireError extends Error {
  override name = "WireError";
}

export function decoding<Value>(decode: () => Value): Decoded<Value> {
  try {
    return { kind: "decoded", value: decode() };
  } catch (error) {
    return { kind: "undecodable", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The value, or a `WireError` that names the field. */
export function required<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined) throw new WireError(`${field} is missing or malformed`);
  return value;
}

/** Proto3 has no absent strings: the empty one stands for absence. */
export const absentIfEmpty = (text: string) => (text === "" ? undefined : text);
/** Likewise zero for numbers that are never zero. */
export const absentIfZero = (value: number) => (value === 0 ? undefined : value);

/** One writer for all messages: a new one grows its buffer from nothing every time, which costs more than the encoding. */
const writer = new BinaryWriter();

/** The bytes that `write` puts into the writer it is given. */
export function encoding(write: (writer: BinaryWriter) => unknown): Uint8Array {
  try {
    write(writer);
  } catch (error) {
    writer.finish(); // leaves the writer empty for the next message
    throw error;
  }
  return writer.finish();
}
