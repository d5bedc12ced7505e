/** Every refusal that is not about the shape of the input: one flat list, so that equal causes read alike. */

import { type Access, scopesFor } from "./caller.ts";
import { IDEMPOTENCY_KEY_RULE } from "./idempotency-key.ts";
import type { Thing } from "./path-parameters.ts";
import type { Quota } from "./quota.ts";

export type Problem = {
  readonly status: number;
  /** A stable name, where the status does not say it all. */
  readonly type?: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly headers?: Readonly<Record<string, string>>;
};

/** When to come back once a dependency is missing. */
const RETRY_AFTER = { "retry-after": "1" };

export function unauthenticated(why: "missing" | "unknown"): Problem {
  const detail =
    why === "missing"
      ? "Send an API key as Authorization: Bearer <key> or as X-API-Key: <key>."
      : "The API key is unknown or revoked.";
  return { status: 401, detail, headers: { "www-authenticate": 'Bearer realm="posthorn"' } };
}

export function notPermitted(access: Access): Problem {
  const scopes = scopesFor(access);
  const who = scopes.length === 0 ? "the root key" : `a key with scope ${scopes.join(" or ")}`;
  return { status: 403, detail: `The API key's scope does not permit this; ${who} may do it.` };
}

/** Foreign things are answered like things that never existed. */
export function notFound(thing: Thing): Problem {
  return { status: 404, detail: `There is no such ${thing}.` };
}

export const NOT_JSON: Problem = { status: 400, detail: "The body is not valid JSON in UTF-8." };
export const NO_BODY: Problem = { status: 400, detail: "The body is empty where JSON was expected." };
export const TAKES_NO_BODY: Problem = {
  status: 422,
  detail: "This route takes no body.",
  errors: [{ path: "", message: "must be absent" }],
};

export function duplicateMember(name: string): Problem {
  return { status: 400, detail: `The body has an object with two members of the name ${JSON.stringify(name)}.` };
}

export function invalid(path: string, message: string): Problem {
  return { status: 422, detail: "The body is not valid.", errors: [{ path, message }] };
}

export function eventTypeExists(name: string): Problem {
  const detail = `The catalogue has an event type ${name} already.`;
  return { status: 409, type: "event-type-exists", detail, errors: [{ path: "/name", message: "is taken" }] };
}

export function rateLimited({ limit, resetS }: Quota): Problem {
  const detail = `This API key may make ${limit} requests per minute. Try again in ${resetS} s.`;
  return { status: 429, type: "rate-limited", detail, headers: { "retry-after": String(resetS) } };
}

export const MALFORMED_IDEMPOTENCY_KEY: Problem = {
  status: 422,
  detail: "The headers are not valid.",
  errors: [{ path: "/Idempotency-Key", message: IDEMPOTENCY_KEY_RULE }],
};

export const IDEMPOTENCY_KEY_REUSED: Problem = {
  status: 422,
  type: "idempotency-key-reused",
  detail: "This Idempotency-Key was used for another request. A key names one request; make a new key for a new one.",
  errors: [{ path: "/Idempotency-Key", message: "was used with another path or body" }],
};

/** Nothing was made by this request; the first one is about to answer, or has died. */
export const IDEMPOTENCY_KEY_BUSY: Problem = {
  status: 409,
  type: "idempotency-key-busy",
  detail: "The first request with this Idempotency-Key has not ended yet. Try again.",
  headers: RETRY_AFTER,
};

/** Nothing was changed, so that the same request may come again. */
export function unavailable(dependency: "Postgres" | "NATS" | "the signer" | "the dispatcher"): Problem {
  const detail = `${capitalised(dependency)} does not answer. Nothing was changed; try again.`;
  return { status: 503, type: "dependency-down", detail, headers: RETRY_AFTER };
}

/** The dispatcher was asked; what it did before its answer was lost, only history knows. */
export const PERHAPS_SENT: Problem = {
  status: 503,
  type: "perhaps-sent",
  detail: "The dispatcher has not answered in time. The test may have been sent: look at the webhook's deliveries.",
  headers: RETRY_AFTER,
};

export const UNSIGNABLE: Problem = {
  status: 409,
  type: "unsignable",
  detail: "The signer cannot open what the webhook signs with. Give it a new secret, and its token and headers anew.",
};

/** The connection broke at a moment at which the change may have been committed. */
export const PERHAPS_SAVED: Problem = {
  status: 503,
  type: "perhaps-saved",
  detail:
    "Postgres stopped answering. The change may have been saved all the same: look before you repeat it, unless it " +
    "has an Idempotency-Key.",
  headers: RETRY_AFTER,
};

/** The change cannot be taken back, so the user is told how to go on. */
export const NOT_IN_EFFECT_YET: Problem = {
  status: 503,
  type: "not-in-effect-yet",
  detail:
    "The change is saved but not in effect yet, because NATS does not answer. It takes effect by itself. An update " +
    "or deletion may be repeated, and so may a creation with its Idempotency-Key; what was created is in its list " +
    "already, and creating it again without a key makes a second one.",
  headers: RETRY_AFTER,
};

export const PAYLOAD_EXPIRED: Problem = {
  status: 409,
  type: "payload-expired",
  detail: "The payload of the delivery is deleted or too old: it cannot be sent any more.",
};

export const ATTEMPT_RUNNING: Problem = {
  status: 409,
  type: "attempt-running",
  detail: "An attempt of the delivery is under way or due now. Wait for its outcome.",
};

export const TEST_DELIVERY: Problem = {
  status: 409,
  type: "test-delivery",
  detail: "The delivery was a test, which is attempted once. Send another test instead.",
};

export const WEBHOOK_DELETED: Problem = {
  status: 409,
  type: "webhook-deleted",
  detail: "The webhook of the delivery is deleted.",
};

export const WEBHOOK_DISABLED: Problem = {
  status: 409,
  type: "webhook-disabled",
  detail: "The webhook was disabled by the engine; disabled_reason says why. Set is_active to true first.",
};

export const EMPTY_RANGE: Problem = invalid("/since", "must be before until, and in the past");

export const UNKNOWN_AFTER: Problem = {
  status: 422,
  detail: "The query parameters are not valid.",
  errors: [{ path: "/after", message: "must be the next_cursor of an earlier page, or the id of an event" }],
};

/** Something may have been lost in between: the caller is not to believe otherwise. */
export const CURSOR_GONE: Problem = {
  status: 410,
  type: "cursor-gone",
  detail: "Events after this cursor are no longer stored. Begin again without a cursor, at the oldest that is.",
};

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
