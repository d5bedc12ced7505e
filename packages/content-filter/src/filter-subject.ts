/** An event as filters see it. Made once per event, since every value of `data` is put into the library's own form. */

import { type CelValue, celList, celMap } from "@bufbuild/cel";
import { limits } from "@posthorn/domain";

/** Deeper than this no receiver that re-serialises a body gets it either. */
const NESTING_MAX = limits.CANONICAL_NESTING_MAX;

export type FilterSubject = {
  readonly type: string;
  readonly data: CelValue;
  /** Values in `data`, itself included. */
  readonly nodes: number;
};

export type FilterSubjectResult =
  | { readonly kind: "ready"; readonly subject: FilterSubject }
  | { readonly kind: "unreadable"; readonly message: string };

/**
 * `dataText` is the JSON text that was published. Its numbers are doubles, as everywhere in CEL: an integer beyond
 * 2^53 is compared by the nearest double. A member that is null is as if it were absent to `has` and `in`, not to `==`;
 * of a member that is given twice the last one counts.
 */
export function readFilterSubject(type: string, dataText: string): FilterSubjectResult {
  const count = { nodes: 0 };
  try {
    const data = toCelValue(JSON.parse(dataText), count, 0);
    return { kind: "ready", subject: { type, data, nodes: count.nodes } };
  } catch (error) {
    return { kind: "unreadable", message: error instanceof Error ? error.message : String(error) };
  }
}

function toCelValue(value: unknown, count: { nodes: number }, depth: number): CelValue {
  count.nodes += 1;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null) {
    return value;
  }
  if (depth === NESTING_MAX) throw new Error(`data is nested more than ${NESTING_MAX} deep`);
  if (Array.isArray(value)) return celList(value.map((element) => toCelValue(element, count, depth + 1)));
  if (typeof value !== "object") throw new Error(`data holds a ${typeof value}, which JSON does not have`);
  const members = new Map<string, CelValue>();
  for (const [name, member] of Object.entries(value)) members.set(name, toCelValue(member, count, depth + 1));
  return celMap(members);
}
