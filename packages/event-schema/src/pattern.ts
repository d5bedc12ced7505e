/** The patterns of a schema, run by an engine that never goes back over a text. */

import { RE2JS } from "@bufbuild/re2";
import { PATTERN_INSTRUCTIONS_MAX } from "./limits.ts";

export type Pattern = {
  test(text: string): boolean;
  /** The pattern itself: the validator tells patterns apart by it. */
  toString(): string;
};

/** Categories like \p{L} make tables at their first use, which takes half a second. */
const CATEGORY = /\\p/i;
/** Instructions times characters in the time of a unit of cost. */
const STEPS_PER_UNIT = 4;

/** Undefined when the pattern can be used, else what is wrong with it. */
export function patternProblem(pattern: string): string | undefined {
  if (CATEGORY.test(pattern)) return "\\p and \\P cannot be used; write the characters out";
  try {
    const { length } = RE2JS.compile(pattern).re2().prog.inst;
    return length <= PATTERN_INSTRUCTIONS_MAX ? undefined : "it is too large once its repetitions are written out";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param charge is told the cost of every use, before it. */
export function compilePattern(pattern: string, charge: (units: number) => void): Pattern {
  const compiled = RE2JS.compile(pattern);
  const instructions = compiled.re2().prog.inst.length;
  return {
    test: (text) => {
      charge((instructions * (text.length + 1)) / STEPS_PER_UNIT);
      return compiled.test(text);
    },
    toString: () => pattern,
  };
}
