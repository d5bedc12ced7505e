/** Reads what a request brings, by the schemas of its route. */

import type { Problem } from "@posthorn/service-runtime";
import { TAKES_NO_BODY } from "../core/problems.ts";
import { type Checked, check } from "../schemas/read-input.ts";
import { needsBody, type Route } from "../schemas/route.ts";
import { readJson } from "./read-json.ts";

export type ReadRequest =
  | { readonly kind: "sound"; readonly query: unknown; readonly body: unknown }
  | { readonly kind: "refused"; readonly problem: Problem };

/** @param body as Fastify has it: bytes, or undefined when there are none. */
export function readRequest(route: Route, query: unknown, body: unknown): ReadRequest {
  const checkedQuery = check("query", route.query, query);
  if (checkedQuery.kind === "refused") return checkedQuery;
  const checkedBody = readBody(route, bytesOf(body));
  if (checkedBody.kind === "refused") return checkedBody;
  return { kind: "sound", query: checkedQuery.value, body: checkedBody.value };
}

export function bytesOf(body: unknown): Buffer | undefined {
  return Buffer.isBuffer(body) && body.length > 0 ? body : undefined;
}

function readBody(route: Route, bytes: Buffer | undefined): Checked<unknown> {
  if (route.body === undefined) {
    return bytes === undefined ? { kind: "sound", value: undefined } : { kind: "refused", problem: TAKES_NO_BODY };
  }
  if (bytes === undefined && !needsBody(route)) return check("body", route.body, {});
  const json = readJson(bytes);
  return json.kind === "refused" ? json : check("body", route.body, json.value);
}
