/** The fields that several resources share, each with its limits and with words a user can act on. */

import { limits, patternProblem, timestampProblem } from "@posthorn/domain";
import { z } from "zod";
import { CURSOR_LENGTH_MAX, decodeCursor } from "../core/cursor.ts";
import { withWireForm } from "./wire-form.ts";

const LIST_LIMIT_MAX = 500;
const LIST_LIMIT_DEFAULT = 50;

/** Control characters never belong in a name, and Postgres cannot hold NUL nor half a surrogate pair. */
const CONTROL_CHARACTERS = /\p{Cc}/u;

export const id = withWireForm(z.uuid(), { type: "string", format: "uuid" });
export const time = withWireForm(z.iso.datetime({ precision: 3 }), {
  type: "string",
  format: "date-time",
  pattern: "\\.\\d{3}Z$",
  examples: ["2026-03-24T13:37:00.000Z"],
});

export const name = lineOfText(limits.NAME_LENGTH_MAX);

/** One line of text that a person reads. */
export function lineOfText(lengthMax: number) {
  const rule = `must be a text of 1 to ${lengthMax} characters without control characters`;
  const schema = z
    .string({ error: rule })
    .min(1, rule)
    .max(lengthMax, rule)
    .refine((text) => !CONTROL_CHARACTERS.test(text) && text.isWellFormed(), rule);
  return withWireForm(schema, { type: "string", minLength: 1, maxLength: lengthMax, pattern: "^\\P{Cc}*$" });
}

/** An event type, or a pattern that event types match. */
export const pattern = withWireForm(
  z.string({ error: "must be a text" }).superRefine((text, context) => {
    const problem = patternProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
  {
    type: "string",
    minLength: 1,
    maxLength: limits.EVENT_TYPE_LENGTH_MAX,
    pattern: "^(\\*|[A-Za-z0-9_-]+)(\\.(\\*|[A-Za-z0-9_-]+))*$",
    examples: ["agent.status", "agent.*", "*"],
  },
);

export function wholeNumber(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.int({ error: rule }).min(min, rule).max(max, rule);
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

/** A moment that a caller names, in milliseconds since 1970. */
export const moment = withWireForm(
  z.string().transform((text, context) => {
    const problem = timestampProblem(text);
    if (problem === undefined) return Date.parse(text);
    context.addIssue({ code: "custom", message: problem });
    return z.NEVER;
  }),
  { type: "string", format: "date-time", maxLength: limits.TIMESTAMP_LENGTH_MAX },
);

/** An id that a caller names. A text that cannot be one is a mistake of the caller's, not something unknown. */
export function idOf<Id>(parse: (text: string) => Id | undefined) {
  return withWireForm(
    z.string().transform((text, context) => {
      const parsed = parse(text);
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: "custom", message: "must be a UUID" });
      return z.NEVER;
    }),
    { type: "string", format: "uuid" },
  );
}

/** Numbers and booleans of a query are texts: they are read by these and by nothing more lenient. */
export const booleanText = withWireForm(
  z.enum(["true", "false"], { error: "must be true or false" }).transform((text) => text === "true"),
  { type: "boolean" },
);

const limit = withWireForm(
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from 1 to ${LIST_LIMIT_MAX}`)
    .transform(Number)
    .pipe(wholeNumber(1, LIST_LIMIT_MAX))
    .default(LIST_LIMIT_DEFAULT),
  { type: "integer", minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT },
);

/** @param decode undefined: the text is no cursor of the list in question. */
export function cursorOf<Place>(decode: (text: string) => Place | undefined) {
  return withWireForm(
    z.string().transform((text, context) => {
      const place = text.length > CURSOR_LENGTH_MAX ? undefined : decode(text);
      if (place !== undefined) return place;
      context.addIssue({ code: "custom", message: "must be the next_cursor of an earlier page" });
      return z.NEVER;
    }),
    { type: "string", minLength: 1, maxLength: CURSOR_LENGTH_MAX, pattern: "^[A-Za-z0-9_-]+$" },
  ).describe("The `next_cursor` of the page before");
}

/** The query of every list. */
export const pageQuery = z.strictObject({ limit, cursor: cursorOf(decodeCursor).optional() });

export function pageSchema<Item extends z.ZodType>(item: Item) {
  const nextCursor = z.string().nullable().describe("Null on the last page");
  return z.strictObject({ items: z.array(item), next_cursor: nextCursor });
}
