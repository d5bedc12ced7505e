/** What Postgres refused, by the code that its manual lists ("PostgreSQL Error Codes"). */

import { DatabaseError } from "pg";

/** Five characters, the first two name the class; undefined when it was not Postgres that failed. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}
