/** Reads columns back into domain types. What we wrote ourselves must be readable; if it is not, that is a bug. */

import { parseErrorClass, parseOrgId, parseProfileName, type WebhookHealth } from "@posthorn/domain";

/** @param column named in the error. */
export function stored<Value>(value: Value | undefined, column: string): Value {
  if (value === undefined) throw new Error(`the column ${column} holds what its type does not allow`);
  return value;
}

export function millisecondsOf(time: Date | null): number | undefined {
  return time?.getTime();
}

export const storedOrgId = (text: string) => stored(parseOrgId(text), "org_id");
export const storedProfile = (text: string) => stored(parseProfileName(text), "profile");

export function storedErrorClass(text: string | null) {
  return text === null ? undefined : stored(parseErrorClass(text), "error_class");
}

export type HealthColumns = {
  readonly last_attempt_at: Date | null;
  readonly last_status_code: number | null;
  readonly last_error_class: string | null;
  readonly consecutive_failures: number | null;
};

/** Undefined when the left join found no row. */
export function storedHealth(row: HealthColumns): WebhookHealth | undefined {
  if (row.last_attempt_at === null) return undefined;
  return {
    lastAttemptAtMs: row.last_attempt_at.getTime(),
    lastStatusCode: row.last_status_code ?? undefined,
    lastErrorClass: storedErrorClass(row.last_error_class),
    consecutiveFailures: row.consecutive_failures ?? 0,
  };
}
