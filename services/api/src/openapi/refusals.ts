/** How a route may refuse: what follows from its kind, and what it says of itself. */

import { SCOPES } from "@posthorn/domain";
import { scopesFor } from "../core/caller.ts";
import type { Route } from "../schemas/route.ts";

/** Descriptions of the responses that all routes share, by status. */
export const SHARED_REFUSALS = {
  400: "What came is not readable: the URL is malformed, or the body is not JSON in UTF-8 without duplicate members",
  401: "No API key was sent, or one that is unknown or revoked",
  403: "The key's scope does not permit this",
  404: "There is no such thing in this organisation, or the organisation is not the key's",
  409: "The first request with this Idempotency-Key has not ended yet (`idempotency-key-busy`)",
  413: "The body is too large",
  414: "A part of the path is too long",
  415: "The body is not declared as application/json",
  422: "The input is not valid; `errors` says where and how",
  429: "The key has made more requests than it may per minute (`rate-limited`); only where a limit is configured",
  500: "Something went wrong inside",
  503:
    "Something that is needed does not answer: nothing was changed (`dependency-down`), the change is saved and takes " +
    "effect later (`not-in-effect-yet`), or it may have been saved (`perhaps-saved`)",
} as const;

export type SharedStatus = keyof typeof SHARED_REFUSALS;

export type DocumentedRefusal = {
  readonly status: number;
  /** Undefined: it is the shared response of this status. */
  readonly description: string | undefined;
};

/** Every refusal of a route, by rising status. */
export function refusalsOf(route: Route): readonly DocumentedRefusal[] {
  const shared = new Set<number>(sharedStatusesOf(route));
  const own = new Map((route.refusals ?? []).map(({ status, when }) => [status as number, when]));
  const statuses = [...new Set([...shared, ...own.keys()])].toSorted((a, b) => a - b);
  return statuses.map((status) => ({ status, description: describe(status, shared.has(status), own.get(status)) }));
}

function describe(status: number, isShared: boolean, own: string | undefined): string | undefined {
  if (own === undefined) return undefined;
  return isShared ? `${SHARED_REFUSALS[status as SharedStatus]}. Here also: ${own}` : own;
}

function sharedStatusesOf(route: Route): readonly SharedStatus[] {
  const isOpenToAll = scopesFor(route.access).length === SCOPES.length;
  return [
    400,
    401,
    ...(isOpenToAll ? [] : ([403] as const)),
    ...(route.path.includes(":") ? ([404, 414] as const) : []),
    ...(route.creates === undefined ? [] : ([409] as const)),
    ...(route.method === "GET" ? [] : ([413, 415] as const)),
    422,
    429,
    500,
    503,
  ];
}
