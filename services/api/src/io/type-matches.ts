/** A pattern of event types as a condition of Postgres. */

import { type RawBuilder, type SqlBool, sql } from "kysely";
import { eventFilterOf } from "../core/event-filter.ts";

/** @param column that holds an event type. @param pattern a sound one. */
export function typeMatches(column: string, pattern: string): RawBuilder<SqlBool> {
  const filter = eventFilterOf(pattern);
  switch (filter.kind) {
    case "type":
      return sql<SqlBool>`${sql.ref(column)} = ${filter.type}`;
    case "expression":
      return sql<SqlBool>`${sql.ref(column)} ~ ${filter.expression}`;
    default:
      return filter satisfies never;
  }
}
