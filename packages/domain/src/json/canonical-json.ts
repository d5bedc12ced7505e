/** Tells whether JSON text survives JSON.parse without a change of meaning, and gives the parsed value if so. */

import { CANONICAL_NESTING_MAX } from "../limits.ts";
import { findDuplicateMember, nestingDepth } from "./json-scan.ts";

export type CanonicalJson =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "lossy"; readonly reason: string };

/** @param json text that JSON.parse accepts. */
export function canonicalJson(json: Uint8Array): CanonicalJson {
  if (nestingDepth(json) > CANONICAL_NESTING_MAX) {
    return { kind: "lossy", reason: `it is nested deeper than ${CANONICAL_NESTING_MAX} levels` };
  }
  const duplicate = findDuplicateMember(json);
  if (duplicate !== undefined) return { kind: "lossy", reason: `the member "${duplicate}" is given twice` };
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString();
  let lossyNumber: string | undefined;
  const value: unknown = JSON.parse(text, (_key, parsed: unknown, context?: { readonly source?: string }) => {
    if (typeof parsed === "number" && context?.source !== undefined && !sameNumber(context.source, parsed)) {
      lossyNumber ??= context.source;
    }
    return parsed;
  });
  return lossyNumber === undefined
    ? { kind: "value", value }
    : { kind: "lossy", reason: `the number ${shown(lossyNumber)} has no exact JavaScript form` };
}

/** How much of a number a reason quotes: enough to find it. */
const SHOWN_LENGTH_MAX = 40;

function shown(number: string): string {
  return number.length <= SHOWN_LENGTH_MAX ? number : `${number.slice(0, SHOWN_LENGTH_MAX)}…`;
}

/** Do the decimal text and the shortest decimal form of the parsed double name the same number? */
function sameNumber(source: string, parsed: number): boolean {
  return Number.isFinite(parsed) && decimalForm(source) === decimalForm(String(parsed));
}

/** Digits without leading and trailing zeros, and a power of ten: equal for equal decimal numbers. */
function decimalForm(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = withoutTrailingZeros(digits);
  if (significant === "") return "0";
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}

/** A loop, because /0+$/ takes quadratic time: 7 s for 100,000 zeros before the last digit. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}
