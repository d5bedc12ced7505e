/** How a webhook's receiver has been doing: a fold of its attempts in log order. */

import type { AttemptFailed, AttemptSucceeded } from "./delivery-event.ts";
import type { ErrorClass } from "./outcome.ts";

export type WebhookHealth = {
  readonly lastAttemptAtMs: number;
  readonly lastStatusCode: number | undefined;
  readonly lastErrorClass: ErrorClass | undefined;
  readonly consecutiveFailures: number;
};

export function evolveHealth(
  health: WebhookHealth | undefined,
  event: AttemptSucceeded | AttemptFailed,
): WebhookHealth {
  const failed = event.kind === "attempt.failed";
  return {
    lastAttemptAtMs: Math.max(event.attempt.startedAtMs, health?.lastAttemptAtMs ?? 0),
    lastStatusCode: event.attempt.statusCode,
    lastErrorClass: failed ? event.errorClass : undefined,
    consecutiveFailures: failed ? (health?.consecutiveFailures ?? 0) + 1 : 0,
  };
}
