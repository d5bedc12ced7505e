/** Reads columns back into domain types. What we wrote ourselves must be readable; if it is not, that is a bug. */

import {
  parseErrorClass,
  parseOrgId,
  parseProfileName,
  type SealedSecret,
  UNKNOWN_HEALTH,
  type WebhookHealth,
} from "@posthorn/domain";

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
  readonly failing_since: Date | null;
  readonly congested_count: number | null;
  readonly circuit: "closed" | "open" | null;
  readonly circuit_generation: number | null;
  readonly circuit_changed_at: Date | null;
};

/** All columns are null when the left join found no row: nothing is known of the receiver yet. */
export function storedHealth(row: HealthColumns): WebhookHealth {
  return {
    lastAttemptAtMs: millisecondsOf(row.last_attempt_at),
    lastStatusCode: row.last_status_code ?? undefined,
    lastErrorClass: storedErrorClass(row.last_error_class),
    consecutiveFailures: row.consecutive_failures ?? UNKNOWN_HEALTH.consecutiveFailures,
    failingSinceMs: millisecondsOf(row.failing_since),
    congestedCount: row.congested_count ?? UNKNOWN_HEALTH.congestedCount,
    circuit: {
      kind: row.circuit ?? UNKNOWN_HEALTH.circuit.kind,
      generation: row.circuit_generation ?? UNKNOWN_HEALTH.circuit.generation,
      changedAtMs: millisecondsOf(row.circuit_changed_at),
    },
  };
}

/** Both columns run in parallel, newest first. */
export function storedSecrets(row: {
  readonly sealed_secrets: readonly Buffer[];
  readonly secret_expiries: readonly (Date | null)[];
}): readonly SealedSecret[] {
  return row.sealed_secrets.map((ciphertext, index) => ({
    ciphertext,
    signsUntilMs: millisecondsOf(stored(row.secret_expiries[index], "webhooks.secret_expiries")),
  }));
}
