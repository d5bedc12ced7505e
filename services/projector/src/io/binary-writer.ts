/**
 * Values in Postgres' binary format, each behind its length: the elements of an array and the fields of a copied row
 * are written the same way. One buffer for all of them, which grows.
 */

const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;
const INT2_BYTES = 2;
const INT4_BYTES = 4;
const INT8_BYTES = 8;
const UUID_BYTES = 16;
const INT2_MAX = 0x7fff;
const INT4_MAX = 0x7fff_ffff;
const ASCII_MAX = 0x7f;
const SHORT_TEXT_LENGTH_MAX = 64;
/** Three for what takes one UTF-16 unit, four for what takes two. */
const UTF8_BYTES_PER_UNIT_MAX = 3;
const TWO_TO_THE_32 = 0x1_0000_0000;
/** Postgres counts microseconds from the beginning of 2000. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const MICROS_PER_MS = 1_000;
/** Types of elements, as Postgres numbers them. */
const INT8_OID = 20;
const TEXT_OID = 25;

export class BinaryWriter {
  #buffer: Buffer;
  #at = 0;

  /** @param bytes how much is expected; more takes a copy. */
  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  /** What has been written. Nothing is written behind it any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** As they are, without a length. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Two bytes without a length. */
  count(count: number): void {
    this.#reserve(INT2_BYTES);
    this.#at = this.#buffer.writeInt16BE(count, this.#at);
  }

  bool(value: boolean): void {
    this.#begin(1);
    this.#buffer[this.#at] = value ? 1 : 0;
    this.#at += 1;
  }

  uuid(id: string | undefined): void {
    if (id === undefined) {
      this.#nothing();
      return;
    }
    this.#begin(UUID_BYTES);
    const buffer = this.#buffer;
    let at = this.#at;
    for (const position of UUID_DIGITS) {
      buffer[at] = hexValue(id, position) * 16 + hexValue(id, position + 1);
      at += 1;
    }
    this.#at = at;
  }

  int2(value: number): void {
    this.#begin(INT2_BYTES);
    this.#at = this.#buffer.writeInt16BE(storable(value, INT2_MAX), this.#at);
  }

  int4(value: number | undefined): void {
    if (value === undefined) {
      this.#nothing();
      return;
    }
    this.#begin(INT4_BYTES);
    this.#int32(storable(value, INT4_MAX));
  }

  int8(value: number | undefined): void {
    if (value === undefined) {
      this.#nothing();
      return;
    }
    this.#begin(INT8_BYTES);
    const stored = storable(value, Number.MAX_SAFE_INTEGER);
    const high = Math.floor(stored / TWO_TO_THE_32);
    this.#int32(high);
    this.#int32(stored - high * TWO_TO_THE_32);
  }

  /** @param timeMs Unix time in milliseconds. */
  timestamp(timeMs: number | undefined): void {
    this.int8(timeMs === undefined ? undefined : (timeMs - POSTGRES_EPOCH_MS) * MICROS_PER_MS);
  }

  /** NUL, the one character that Postgres cannot store, becomes the replacement character. */
  text(value: string | undefined): void {
    if (value === undefined) {
      this.#nothing();
      return;
    }
    this.#reserve(LENGTH_BYTES + UTF8_BYTES_PER_UNIT_MAX * value.length);
    const length = writeText(this.#buffer, value, this.#at + LENGTH_BYTES);
    this.#int32(length);
    this.#at += length;
  }

  bytea(value: Uint8Array): void {
    this.#begin(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  int8List(values: readonly number[]): void {
    this.#list(INT8_OID, values, (value) => this.int8(value));
  }

  textList(values: readonly string[]): void {
    this.#list(TEXT_OID, values, (value) => this.text(value));
  }

  /** What an array begins with: one dimension, whose elements may be null and are counted from 1. */
  arrayHeader(elementOid: number, length: number): void {
    this.#reserve(ARRAY_HEADER_BYTES);
    this.#int32(1);
    this.#int32(1);
    this.#int32(elementOid);
    this.#int32(length);
    this.#int32(1);
  }

  #list<Value>(elementOid: number, values: readonly Value[], write: (value: Value) => void): void {
    const lengthAt = this.#at;
    this.#begin(0);
    this.arrayHeader(elementOid, values.length);
    for (const value of values) write(value);
    this.#buffer.writeInt32BE(this.#at - lengthAt - LENGTH_BYTES, lengthAt);
  }

  #nothing(): void {
    this.#reserve(LENGTH_BYTES);
    this.#int32(NULL_LENGTH);
  }

  #begin(length: number): void {
    this.#reserve(LENGTH_BYTES + length);
    this.#int32(length);
  }

  /** Within what is reserved; of a larger number the lower 32 bits. */
  #int32(value: number): void {
    const buffer = this.#buffer;
    const at = this.#at;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
    this.#at = at + INT4_BYTES;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + bytes));
    larger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = larger;
  }
}

const ARRAY_HEADER_BYTES = 20;

/** Throws a RangeError instead of storing another number. */
function storable(value: number, max: number): number {
  if (Number.isInteger(value) && value <= max && value >= -max - 1) return value;
  throw new RangeError(`${value} cannot be stored; the limit is ${max}`);
}

/** Short ASCII, which most texts are, is written faster by a loop than by a call into the runtime. */
function writeText(buffer: Buffer, value: string, at: number): number {
  if (value.length > SHORT_TEXT_LENGTH_MAX) return writeAnyText(buffer, value, at);
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code === 0 || code > ASCII_MAX) return writeAnyText(buffer, value, at);
    buffer[at + index] = code;
  }
  return value.length;
}

function writeAnyText(buffer: Buffer, value: string, at: number): number {
  return buffer.write(value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value, at);
}

function hexValue(text: string, at: number): number {
  return HEX_VALUES[text.charCodeAt(at)] ?? 0;
}

/** Where the pairs of hex digits stand in a UUID's text. */
const UUID_DIGITS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** By character code. */
const HEX_VALUES = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 0 : value;
});
