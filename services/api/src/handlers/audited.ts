/** Records a change in the audit, as one of the things that are saved together with it. */

import { actorOf } from "../core/actor.ts";
import type { Caller } from "../core/caller.ts";
import type { Alongside } from "../io/alongside.ts";
import { type AuditedChange, recordAudit } from "../io/record-audit.ts";
import type { Route } from "../schemas/route.ts";
import type { Chance } from "./chance.ts";

/** Who asked for a change, what for, and by which request. */
export type ChangedBy = Pick<AuditedChange, "actor" | "action" | "requestId">;

export function changedBy(
  { operation }: Pick<Route, "operation">,
  { caller, id }: { readonly caller: Caller; readonly id: string },
): ChangedBy {
  return { actor: actorOf(caller), action: operation, requestId: id };
}

export function audited(by: ChangedBy, what: Omit<AuditedChange, keyof ChangedBy>, chance: Chance): Alongside {
  return (transaction) => recordAudit(transaction, { ...by, ...what }, chance);
}

/** One after the other. */
export function together(...parts: readonly Alongside[]): Alongside {
  return async (transaction) => {
    for (const part of parts) await part(transaction);
  };
}

/** The names of the fields that a request gives. */
export function fieldsOf(input: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(input).filter((field) => input[field] !== undefined);
}
