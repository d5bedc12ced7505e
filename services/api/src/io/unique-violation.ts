/** Tells that a name or an id is taken: Postgres refuses the second row of one. */

import { sqlStateOf } from "@posthorn/database";

const UNIQUE_VIOLATION = "23505";

export function isUniqueViolation(error: unknown): boolean {
  return sqlStateOf(error) === UNIQUE_VIOLATION;
}
