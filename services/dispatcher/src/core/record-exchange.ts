/** Turns what happened on the wire into an outcome and into the masked record that history keeps. */

import {
  type AttemptOutcome,
  type AttemptRecord,
  type DeliveryCommand,
  type ErrorClass,
  type Header,
  maskHeaders,
  maskUrl,
  outcomeOfStatus,
  type RetryPolicy,
  retryPolicyOf,
  type WebhookConfig,
  type WorkItem,
} from "@posthorn/domain";

export type Exchange = {
  readonly attempt: number;
  readonly url: string;
  /** Secrets masked. */
  readonly requestHeaders: readonly Header[];
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly dispatcher: string;
  readonly possibleRepeat: boolean;
  readonly isTest: boolean;
  readonly result: Answer | Failure | Unrepresentable;
};

/** The receiver answered. */
export type Answer = {
  readonly kind: "response";
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
  readonly truncated: boolean;
  readonly retryAfter?: string;
};

/** No answer came: on the wire, or because the URL is one that must not be called. */
export type Failure = { readonly kind: "failed"; readonly errorClass: ErrorClass; readonly message: string };

/** The event's data cannot be said in the profile's format: nothing was sent. */
export type Unrepresentable = { readonly kind: "unrepresentable"; readonly reason: string };

export function outcomeOf({ result, startedAtMs, durationMs }: Exchange): AttemptOutcome {
  switch (result.kind) {
    case "response":
      return outcomeOfStatus(result.status, result.retryAfter, startedAtMs + durationMs);
    case "failed":
      return { kind: "failed", errorClass: result.errorClass, message: result.message, retryAfterMs: undefined };
    case "unrepresentable":
      return { kind: "refused", errorClass: "unrepresentable", message: result.reason, reason: "unrepresentable" };
    default:
      return result satisfies never;
  }
}

export function recordOf(exchange: Exchange): AttemptRecord {
  const { result } = exchange;
  const answered = result.kind === "response";
  return {
    number: exchange.attempt,
    startedAtMs: exchange.startedAtMs,
    durationMs: exchange.durationMs,
    statusCode: answered ? result.status : undefined,
    url: maskUrl(exchange.url),
    requestHeaders: exchange.requestHeaders,
    responseHeaders: answered ? maskHeaders(result.headers) : [],
    responseBody: answered ? result.body : new Uint8Array(),
    responseTruncated: answered && result.truncated,
    dispatcher: exchange.dispatcher,
    possibleRepeat: exchange.possibleRepeat,
    test: exchange.isTest,
  };
}

/** What to decide about the delivery. @param roll in [0, 1): the jitter of the next attempt's time. */
export function outcomeCommand(
  item: WorkItem,
  webhook: WebhookConfig,
  exchange: Exchange,
  roll: number,
): Extract<DeliveryCommand, { kind: "record-outcome" }> {
  return {
    kind: "record-outcome",
    attempt: recordOf(exchange),
    outcome: outcomeOf(exchange),
    policy: item.isOnly ? NO_RETRIES : retryPolicyOf(item.profile, webhook.retryDelaysS),
    acceptedAtMs: item.acceptedAtMs,
    roll,
  };
}

const NO_RETRIES: RetryPolicy = { delaysS: [], jitter: false };
