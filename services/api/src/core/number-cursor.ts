/** Cursors that are a few numbers, such as a place in a stream: opaque to their readers, fit for a query. */

const NUMBER = /^(0|[1-9]\d{0,15})$/;
const CURSOR_TEXT = /^[A-Za-z0-9_-]+$/;

/** @param numbers whole, from 0 to the largest that is exact. */
export function encodeNumbers(numbers: readonly number[]): string {
  return Buffer.from(numbers.join(".")).toString("base64url");
}

/** Undefined when the text was not made by `encodeNumbers` of as many numbers. */
export function decodeNumbers(text: string, count: number): readonly number[] | undefined {
  if (!CURSOR_TEXT.test(text)) return undefined;
  const parts = Buffer.from(text, "base64url").toString("latin1").split(".");
  if (parts.length !== count || !parts.every((part) => NUMBER.test(part))) return undefined;
  const numbers = parts.map(Number);
  // Bits that base64 leaves unused could make another text of the same numbers.
  const isSound = numbers.every(Number.isSafeInteger) && encodeNumbers(numbers) === text;
  return isSound ? numbers : undefined;
}
