/** Every refusal that is not about the shape of the input: one flat list, so that equal causes read alike. */

import { type Access, scopesFor } from "./caller.ts";
import type { Thing } from "./path-parameters.ts";

type Problem = {
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
export const TAKES_NO_BODY: Problem = { status: 422, detail: "This route takes no body." };

export function duplicateMember(name: string): Problem {
  return { status: 400, detail: `The body has an object with two members of the name ${JSON.stringify(name)}.` };
}

export function invalid(path: string, message: string): Problem {
  return { status: 422, detail: "The body is not valid.", errors: [{ path, message }] };
}

/** Nothing was changed, so that the same request may come again. */
export function unavailable(dependency: "Postgres" | "NATS" | "the signer"): Problem {
  const detail = `${capitalised(dependency)} does not answer. Nothing was changed; try again.`;
  return { status: 503, type: "dependency-down", detail, headers: RETRY_AFTER };
}

/** The connection broke at a moment at which the change may have been committed. */
export const PERHAPS_SAVED: Problem = {
  status: 503,
  type: "perhaps-saved",
  detail: "Postgres stopped answering. The change may have been saved all the same: look before you repeat it.",
  headers: RETRY_AFTER,
};

/** The change cannot be taken back, so the user is told how to go on. */
export const NOT_IN_EFFECT_YET: Problem = {
  status: 503,
  type: "not-in-effect-yet",
  detail:
    "The change is saved but not in effect yet, because NATS does not answer. It takes effect by itself. An update " +
    "or deletion may be repeated; what was created is in its list already, and creating it again makes a second one.",
  headers: RETRY_AFTER,
};

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
