/**
 * What makes two publishes the same one. A caller's own id, an `Idempotency-Key` and a place in a batch under such a
 * key live apart: equal texts of two kinds do not meet, nor do those of two organisations.
 */

import { callerIdProblem, type OrgId } from "@posthorn/domain";
import { type Checked, refused, sound } from "./refusals.ts";

/** Names a publish in the stream's deduplication window: visible ASCII, at most 180 characters. */
export type DedupeKey = string;

/** The value of the header `Idempotency-Key`, which obeys the rules of a caller's own id. */
export function parseIdempotencyKey(header: string | undefined): Checked<string | undefined> {
  const problem = header === undefined ? undefined : callerIdProblem(header);
  if (problem === undefined) return sound(header);
  const errors = [{ path: "Idempotency-Key", message: problem }];
  return refused("invalid_idempotency_key", `The header Idempotency-Key ${problem}.`, errors);
}

/** By what a repeat may be recognised besides the event's own id. */
export type Idempotency =
  | { readonly kind: "none" }
  /** The `Idempotency-Key` of a single event. */
  | { readonly kind: "event"; readonly key: string }
  /** That of a batch names its places: repeating the whole batch is harmless. */
  | { readonly kind: "batch"; readonly key: string; readonly index: number };

export const NO_IDEMPOTENCY: Idempotency = { kind: "none" };

/** The key of an event, undefined when a repeat cannot be recognised. In a batch an event's own id comes first. */
export function dedupeKeyOf(
  org: OrgId,
  callerId: string | undefined,
  idempotency: Idempotency,
): Checked<DedupeKey | undefined> {
  if (callerId === undefined) return sound(derivedKey(org, idempotency));
  if (idempotency.kind !== "event" || idempotency.key === callerId) return sound(`${org}:${callerId}`);
  const message = "must equal the header Idempotency-Key when both are given";
  return refused("conflicting_ids", `The event's id ${message}.`, [{ path: "/id", message }]);
}

function derivedKey(org: OrgId, idempotency: Idempotency): DedupeKey | undefined {
  switch (idempotency.kind) {
    case "none":
      return undefined;
    case "event":
      return `${org}/${idempotency.key}`;
    case "batch":
      return `${org}#${idempotency.index}/${idempotency.key}`;
    default:
      return idempotency satisfies never;
  }
}
