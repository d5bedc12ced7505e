/** What came of one attempt. A receiver's failure is data: it is classified once, here. */

import { parseRetryAfterMs } from "../retry/retry-after.ts";

export const ERROR_CLASSES = [
  "dns",
  "connect",
  "tls",
  "timeout",
  "reset",
  "status",
  "blocked",
  "too_large",
  "unrepresentable",
] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];

export function parseErrorClass(text: string): ErrorClass | undefined {
  return ERROR_CLASSES.find((errorClass) => errorClass === text);
}

export type AttemptOutcome =
  | { readonly kind: "succeeded" }
  /** The policy decides whether another attempt follows. */
  | {
      readonly kind: "failed";
      readonly errorClass: ErrorClass;
      readonly message: string;
      /** The receiver's wish, clamped. */
      readonly retryAfterMs: number | undefined;
    }
  /** No other attempt could end differently. */
  | {
      readonly kind: "refused";
      readonly errorClass: ErrorClass;
      readonly message: string;
      readonly reason: "gone" | "unrepresentable";
    };

const GONE = 410;
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;

/** 2xx succeeds, 410 ends the delivery, everything else fails; `Retry-After` counts on 429 and 503 only. */
export function outcomeOfStatus(status: number, retryAfter: string | undefined, nowMs: number): AttemptOutcome {
  if (status >= 200 && status < 300) return { kind: "succeeded" };
  const message = `receiver answered ${status}`;
  if (status === GONE) return { kind: "refused", errorClass: "status", message, reason: "gone" };
  const mayAskForDelay = status === TOO_MANY_REQUESTS || status === SERVICE_UNAVAILABLE;
  const retryAfterMs = mayAskForDelay && retryAfter !== undefined ? parseRetryAfterMs(retryAfter, nowMs) : undefined;
  return { kind: "failed", errorClass: "status", message, retryAfterMs };
}
