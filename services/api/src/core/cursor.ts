/**
 * Cursors of lists that run from the newest to the oldest: where a page ended, by time and id. Both never change, so
 * what is added or changed while somebody turns pages neither repeats a row nor hides one.
 */

/** The last row of a page; the next page holds what is older, or as old with a lower id. */
export type Cursor = { readonly createdAtMs: number; readonly id: string };

export const CURSOR_LENGTH_MAX = 128;
const CURSOR_TEXT = /^[A-Za-z0-9_-]+$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The times that both JavaScript and Postgres can hold. */
const TIME_MS_MAX = 8.64e15;

/** Opaque to its reader, fit for a query without escapes. */
export function encodeCursor({ createdAtMs, id }: Cursor): string {
  return Buffer.from(`${createdAtMs}.${id}`).toString("base64url");
}

/** Undefined when the text was not made by `encodeCursor`. */
export function decodeCursor(text: string): Cursor | undefined {
  if (text.length > CURSOR_LENGTH_MAX || !CURSOR_TEXT.test(text)) return undefined;
  const [time = "", id = "", ...rest] = Buffer.from(text, "base64url").toString("latin1").split(".");
  if (rest.length > 0 || !/^\d{1,16}$/.test(time) || !UUID.test(id)) return undefined;
  const createdAtMs = Number(time);
  return createdAtMs <= TIME_MS_MAX ? { createdAtMs, id } : undefined;
}

/** One page of a list, and the cursor of the next one if there is one. */
export type Page<Row> = { readonly rows: readonly Row[]; readonly nextCursor: string | undefined };

/**
 * Cuts a page out of rows that were asked for with a limit of one more than fits.
 * @param placeOf where a row stands in the list.
 */
export function pageOf<Row>(found: readonly Row[], limit: number, placeOf: (row: Row) => Cursor): Page<Row> {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const isCut = found.length > limit && last !== undefined;
  return { rows, nextCursor: isCut ? encodeCursor(placeOf(last)) : undefined };
}
