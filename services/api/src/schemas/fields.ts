/** The fields that several resources share, each with its limits and with words a user can act on. */

import { limits, timestampProblem } from "@posthorn/domain";
import { z } from "zod";
import { decodeCursor } from "../core/cursor.ts";

export const LIST_LIMIT_MAX = 500;
const LIST_LIMIT_DEFAULT = 50;

/** Control characters never belong in a name, and Postgres cannot hold NUL nor half a surrogate pair. */
const CONTROL_CHARACTERS = /\p{Cc}/u;

export const id = z.uuid();
export const time = z.iso.datetime({ precision: 3 }).describe("RFC 3339 in UTC with milliseconds");

export const name = lineOfText(limits.NAME_LENGTH_MAX);

/** One line of text that a person reads. */
export function lineOfText(lengthMax: number) {
  const rule = `must be a text of 1 to ${lengthMax} characters without control characters`;
  return z
    .string({ error: rule })
    .min(1, rule)
    .max(lengthMax, rule)
    .refine((text) => !CONTROL_CHARACTERS.test(text) && text.isWellFormed(), rule);
}

export function wholeNumber(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.int({ error: rule }).min(min, rule).max(max, rule);
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

/** A moment in a query, in milliseconds since 1970. */
export const moment = z.string().transform((text, context) => {
  const problem = timestampProblem(text);
  if (problem === undefined) return Date.parse(text);
  context.addIssue({ code: "custom", message: problem });
  return z.NEVER;
});

/** Numbers and booleans of a query are texts: they are read by these and by nothing more lenient. */
export const booleanText = z
  .enum(["true", "false"], { error: "must be true or false" })
  .transform((text) => text === "true");

const limit = z
  .string()
  .regex(/^\d{1,9}$/, `must be a whole number from 1 to ${LIST_LIMIT_MAX}`)
  .transform(Number)
  .pipe(wholeNumber(1, LIST_LIMIT_MAX))
  .default(LIST_LIMIT_DEFAULT);

const cursor = z.string().transform((text, context) => {
  const place = decodeCursor(text);
  if (place !== undefined) return place;
  context.addIssue({ code: "custom", message: "must be the next_cursor of an earlier page" });
  return z.NEVER;
});

/** The query of every list. */
export const pageQuery = z.strictObject({ limit, cursor: cursor.optional() });

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() });
}
