/** Where a receiver that catches up has come to, in the order of acceptance. */

import { decodeNumbers, encodeNumbers } from "./number-cursor.ts";

export type CatchUpCursor = {
  /** Of the stream. */
  readonly epochMs: number;
  /** Everything up to this place has been read. */
  readonly sequence: number;
  readonly index: number;
  /** What comes after it was accepted then or later, give or take the clocks: the age of what may be lost. */
  readonly atMs: number;
};

/** Behind every event of a message. */
export const WHOLE_MESSAGE = 2 ** 31 - 1;

export function encodeCatchUpCursor({ epochMs, sequence, index, atMs }: CatchUpCursor): string {
  return encodeNumbers([epochMs, sequence, index, atMs]);
}

export function decodeCatchUpCursor(text: string): CatchUpCursor | undefined {
  const [epochMs, sequence, index, atMs] = decodeNumbers(text, 4) ?? [];
  if (epochMs === undefined || sequence === undefined || index === undefined || atMs === undefined) return undefined;
  return index <= WHOLE_MESSAGE ? { epochMs, sequence, index, atMs } : undefined;
}
