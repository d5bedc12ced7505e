/** Reads a body as JSON, strictly: what JSON.parse would repair or drop in silence is refused. */

import { isUtf8 } from "node:buffer";
import { findDuplicateMember } from "@posthorn/domain";
import type { Problem } from "@posthorn/service-runtime";
import { duplicateMember, NO_BODY, NOT_JSON } from "../core/problems.ts";

export type ReadJson =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "refused"; readonly problem: Problem };

export function readJson(body: Buffer | undefined): ReadJson {
  if (body === undefined || body.length === 0) return { kind: "refused", problem: NO_BODY };
  if (!isUtf8(body)) return { kind: "refused", problem: NOT_JSON };
  const parsed = parse(body.toString("utf8"));
  if (parsed.kind === "refused") return parsed;
  const duplicate = findDuplicateMember(body);
  return duplicate === undefined ? parsed : { kind: "refused", problem: duplicateMember(duplicate) };
}

function parse(text: string): ReadJson {
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch {
    // The parser's own words quote the text, which may hold a secret.
    return { kind: "refused", problem: NOT_JSON };
  }
}
