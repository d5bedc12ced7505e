/** The query of lists whose pages are counted: how many to skip, and how many to show. */

import { z } from "zod";

const SKIP_MAX = 1_000_000_000;
const LIMIT_DEFAULT = 50;

export function offsetQuery(limitMax: number) {
  return z.object({ skip: wholeNumberText(0, SKIP_MAX, 0), limit: wholeNumberText(1, limitMax, LIMIT_DEFAULT) });
}

function wholeNumberText(min: number, max: number, byDefault: number) {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, rule)
    .transform(Number)
    .refine((number) => number >= min && number <= max, rule)
    .default(byDefault);
}
