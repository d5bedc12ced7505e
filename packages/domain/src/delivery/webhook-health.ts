/** How a webhook's receiver has been doing: a fold of its attempts and circuits in log order. */

import type { AttemptFailed, AttemptSucceeded, CircuitClosed, CircuitOpened, FactOf } from "./delivery-event.ts";
import type { ErrorClass } from "./outcome.ts";

export type WebhookHealth = {
  /** Undefined: only its circuit is known so far. */
  readonly lastAttemptAtMs: number | undefined;
  readonly lastStatusCode: number | undefined;
  readonly lastErrorClass: ErrorClass | undefined;
  readonly consecutiveFailures: number;
  /** Start of the first failure after the last success; undefined: the last attempt succeeded. */
  readonly failingSinceMs: number | undefined;
  /** Attempts that the receiver, or the way to it, was too slow or too busy for: time-outs, 429, 503. */
  readonly congestedCount: number;
  readonly circuit: Circuit;
};

export type Circuit = {
  readonly kind: "closed" | "open";
  /** Counts the openings. */
  readonly generation: number;
  /** Undefined: it never opened. */
  readonly changedAtMs: number | undefined;
};

export type HealthEvent = FactOf<AttemptSucceeded | AttemptFailed> | CircuitOpened | CircuitClosed;

export const UNKNOWN_HEALTH: WebhookHealth = {
  lastAttemptAtMs: undefined,
  lastStatusCode: undefined,
  lastErrorClass: undefined,
  consecutiveFailures: 0,
  failingSinceMs: undefined,
  congestedCount: 0,
  circuit: { kind: "closed", generation: 0, changedAtMs: undefined },
};

/** Test sends say nothing of the health; a circuit event of an earlier generation comes too late to count. */
export function evolveHealth(health: WebhookHealth, event: HealthEvent): WebhookHealth {
  switch (event.kind) {
    case "circuit.opened":
      return event.generation > health.circuit.generation ? withCircuit(health, "open", event) : health;
    case "circuit.closed":
      return event.generation >= health.circuit.generation ? withCircuit(health, "closed", event) : health;
    case "attempt.succeeded":
    case "attempt.failed":
      return event.attempt.test ? health : afterAttempt(health, event);
    default:
      return event satisfies never;
  }
}

function withCircuit(
  health: WebhookHealth,
  kind: Circuit["kind"],
  { generation, atMs }: CircuitOpened | CircuitClosed,
): WebhookHealth {
  return { ...health, circuit: { kind, generation, changedAtMs: atMs } };
}

function afterAttempt(health: WebhookHealth, event: FactOf<AttemptSucceeded | AttemptFailed>): WebhookHealth {
  const { startedAtMs, statusCode } = event.attempt;
  const failed = event.kind === "attempt.failed";
  return {
    ...health,
    lastAttemptAtMs: Math.max(startedAtMs, health.lastAttemptAtMs ?? 0),
    lastStatusCode: statusCode,
    lastErrorClass: failed ? event.errorClass : undefined,
    consecutiveFailures: failed ? health.consecutiveFailures + 1 : 0,
    failingSinceMs: failed ? (health.failingSinceMs ?? startedAtMs) : undefined,
    congestedCount: health.congestedCount + (failed && isCongestion(event) ? 1 : 0),
  };
}

const CONGESTED_STATUSES: readonly number[] = [429, 503];

/** Did the receiver, or the way to it, ask for less by its answer or by its silence? */
export function isCongestion(
  event: Pick<AttemptFailed, "errorClass"> & { readonly attempt: { readonly statusCode: number | undefined } },
): boolean {
  const { statusCode } = event.attempt;
  return event.errorClass === "timeout" || (statusCode !== undefined && CONGESTED_STATUSES.includes(statusCode));
}
