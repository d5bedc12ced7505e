/** What the end of one exchange says about the receiver, and nothing else: the same failure can be its, or ours. */

import { type AttemptOutcome, type ErrorClass, isCongestion } from "@posthorn/domain";

export type ReceiverSign =
  | "delivered"
  /** It is there, and did not want this request. */
  | "answered"
  /** It is there, and asks for less: 429. */
  | "throttled"
  /** It is there, but cannot: 503. */
  | "overloaded"
  /** It, or the way to it, is broken: no connection, or a 5xx. */
  | "broken"
  /** Nothing came in time. */
  | "silent"
  /** Nothing was sent. */
  | "none";

const OF_THE_NETWORK: readonly ErrorClass[] = ["dns", "connect", "tls", "reset"];
const NEVER_SENT: readonly ErrorClass[] = ["blocked", "unrepresentable"];
const SERVER_ERRORS_FROM = 500;

/** @param statusCode undefined when no answer came. */
export function receiverSign(outcome: AttemptOutcome, statusCode: number | undefined): ReceiverSign {
  if (outcome.kind === "succeeded") return "delivered";
  const { errorClass } = outcome;
  if (NEVER_SENT.includes(errorClass)) return "none";
  if (errorClass === "timeout") return "silent";
  const isFailure = OF_THE_NETWORK.includes(errorClass) || (statusCode ?? 0) >= SERVER_ERRORS_FROM;
  const isCongested = isCongestion({ errorClass, attempt: { statusCode } });
  if (isFailure) return isCongested ? "overloaded" : "broken";
  return isCongested ? "throttled" : "answered";
}

/** Is the receiver, or the way to it, failing? */
export function isFailureSign(sign: ReceiverSign): boolean {
  return sign === "silent" || sign === "broken" || sign === "overloaded";
}

/** Does it ask for less, by its answer or by its silence? */
export function isCongestionSign(sign: ReceiverSign): boolean {
  return sign === "silent" || sign === "throttled" || sign === "overloaded";
}
