/** A page of a list as JSON. */

import type { Page } from "../core/cursor.ts";

export function presentPage<Row, Item>({ rows, nextCursor }: Page<Row>, present: (row: Row) => Item) {
  return { items: rows.map(present), next_cursor: nextCursor ?? null };
}
