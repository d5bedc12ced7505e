/** The order of every list, newest first, and the condition that lets a page begin where another one ended. */

import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { Cursor } from "../core/cursor.ts";

export type PageRequest = { readonly limit: number; readonly cursor?: Cursor | undefined };

/** @param table whose `created_at` and `id` order the list. */
export function olderThan(table: string, { createdAtMs, id }: Cursor): RawBuilder<SqlBool> {
  const columns = sql`(${sql.ref(`${table}.created_at`)}, ${sql.ref(`${table}.id`)})`;
  return sql<SqlBool>`${columns} < (${new Date(createdAtMs)}::timestamptz, ${id}::uuid)`;
}
