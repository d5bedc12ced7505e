/** Checks what came in against a route's schemas and tells, with a path and in words, everything that is wrong. */

import type { Problem, ProblemError } from "@posthorn/service-runtime";
import type { z } from "zod";

export type Checked<Value> =
  | { readonly kind: "sound"; readonly value: Value }
  | { readonly kind: "refused"; readonly problem: Problem };

/** A request full of mistakes is told the first ones. */
const ERRORS_TOLD_MAX = 50;

const PART_WORDS = { body: "The body is not valid.", query: "The query parameters are not valid." } as const;

export function check<Schema extends z.ZodType>(
  part: keyof typeof PART_WORDS,
  schema: Schema,
  value: unknown,
): Checked<z.output<Schema>> {
  const result = schema.safeParse(value, { error: wording });
  if (result.success) return { kind: "sound", value: result.data };
  const errors = result.error.issues.flatMap(errorsOf).slice(0, ERRORS_TOLD_MAX);
  return { kind: "refused", problem: { status: 422, detail: PART_WORDS[part], errors } };
}

/** The words for what no field describes in its own. */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") return "is not a known field";
  if (issue.code !== "invalid_type") return undefined;
  return issue.input === undefined ? "is required" : `must be ${WORDS_OF_TYPES[issue.expected] ?? issue.expected}`;
}

const WORDS_OF_TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  object: "an object",
  array: "a list",
  boolean: "true or false",
};

/** Unknown members are pointed at one by one. */
function errorsOf(issue: z.core.$ZodIssue): readonly ProblemError[] {
  const members = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
  return members.map((member) => {
    const path = member === undefined ? issue.path : [...issue.path, member];
    return { path: path.map(pointerTo).join(""), message: issue.message };
  });
}

/** One step of a JSON pointer (RFC 6901). */
function pointerTo(step: PropertyKey): string {
  return `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
