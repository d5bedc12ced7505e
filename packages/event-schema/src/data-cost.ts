/** What keywords cost by the data that they look at: those whose work a schema's own size does not tell. */

import { UNIQUE_ITEMS_MAX } from "./limits.ts";

/** Values that are compared with each other in the time of a unit of cost. */
const COMPARISONS_PER_UNIT = 8;
/** So much of a text is compared in the time of a value. */
const CHARACTERS_PER_VALUE = 64;

/** Units for a list of the members of `data`, none for what is no object. */
export function listingCost(data: unknown): number {
  return typeof data === "object" && data !== null && !Array.isArray(data) ? Object.keys(data).length : 0;
}

/** Units for comparing each element of `data` with each. A list that is too long for that is refused before. */
export function comparingCost(data: unknown): number {
  if (!Array.isArray(data) || data.length > UNIQUE_ITEMS_MAX) return 0;
  return (((data.length - 1) / 2) * valuesIn(data)) / COMPARISONS_PER_UNIT;
}

/** Without recursion: data may be nested deeper than calls can be. */
function valuesIn(data: unknown): number {
  const left: unknown[] = [data];
  let values = 0;
  while (left.length > 0) {
    const value = left.pop();
    values += typeof value === "string" ? 1 + value.length / CHARACTERS_PER_VALUE : 1;
    if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) left.push(inner);
  }
  return values;
}
