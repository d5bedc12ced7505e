/**
 * What the mounts of the seed systems have in common. A mount speaks its system's language and nothing else: it reads a
 * request, calls the same functions as the native API, and says the outcome in that system's words.
 */

import type { OrgId } from "@posthorn/domain";
import type { HttpReply } from "@posthorn/service-runtime";
import type { Caller } from "../core/caller.ts";
import type { Problem } from "../core/problems.ts";
import { type Refused, refused } from "../handlers/handler.ts";
import type { CheckUrl } from "../io/check-url.ts";
import type { Route } from "../schemas/route.ts";

/** Paths that name no organisation speak of the key's own. */
export function organisationOf(caller: Caller): OrgId | undefined {
  return caller.kind === "key" ? caller.orgId : undefined;
}

/** The root key belongs to no organisation. */
export const NO_ORGANISATION: Refused = refused({
  status: 403,
  detail: "The root key belongs to no organisation; use the key of one.",
});

/** The seed systems refuse with 400 what the native API refuses with 422, and names without an address besides. */
export async function destinationRefusal(
  checkUrl: CheckUrl,
  url: string,
  words: UrlWords,
): Promise<Refused | undefined> {
  const check = await checkUrl(url);
  if (check.kind === "ok") return undefined;
  return refused({ status: 400, detail: words[check.kind](hostOf(url), check.message) });
}

export type UrlWords = Readonly<
  Record<"unfit" | "not-public" | "unresolvable", (host: string, message: string) => string>
>;

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** `2026-03-24T13:37:00.000000+00:00`, which Python before 3.11 can parse. */
export function pythonTime(atMs: number): string {
  return new Date(atMs).toISOString().replace("Z", "000+00:00");
}

export function pythonTimeOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : pythonTime(atMs);
}

/** What is wrong with a request, in the form of FastAPI. */
export function validationDetails(method: Route["method"], { detail, errors = [] }: Problem) {
  const part = method === "GET" ? "query" : "body";
  const given = errors.length === 0 ? [{ path: "", message: detail }] : errors;
  return given.map(({ path, message }) => ({
    loc: [part, ...path.split("/").slice(1).map(unescaped)],
    msg: message,
    type: "value_error",
  }));
}

/** A step of a JSON pointer; the index of a list is a number. */
function unescaped(step: string): string | number {
  if (/^\d+$/.test(step)) return Number(step);
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

export function sendRefusal(reply: HttpReply, { status, headers = {} }: Problem, body: object): HttpReply {
  return reply.code(status).headers(headers).type("application/json; charset=utf-8").send(JSON.stringify(body));
}
