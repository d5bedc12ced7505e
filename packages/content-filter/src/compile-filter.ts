/**
 * A webhook's filter: a condition in CEL on an event's `type` and `data`. Compiling refuses what is not CEL, what a
 * filter may not use and what can never be right; evaluating never throws and costs no more than `FILTER_COST_MAX`.
 */

import { isCelError, parse, plan } from "@bufbuild/cel";
import type { SourceInfo } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";
import { type FilterVerdict, limits } from "@posthorn/domain";
import { CostMeter } from "./cost-meter.ts";
import type { FilterSubject } from "./filter-subject.ts";
import { meterExpression } from "./meter-expression.ts";
import { meteredEnvironment } from "./metered-environment.ts";
import { type ExpressionProblem, vetExpression } from "./vet-expression.ts";

export type Filter = { readonly evaluate: (subject: FilterSubject) => FilterVerdict };

export type FilterCompilation =
  | { readonly kind: "compiled"; readonly filter: Filter }
  | { readonly kind: "refused"; readonly message: string };

/** An evaluation does not wait for anything, so one meter serves all of them, one after the other. */
const meter = new CostMeter();
const environment = meteredEnvironment(meter);

const PASSES: FilterVerdict = { kind: "passes" };
const FAILS: FilterVerdict = { kind: "fails" };

export function compileFilter(source: string): FilterCompilation {
  if (source.length > limits.FILTER_LENGTH_MAX) {
    return refused(`a filter has at most ${limits.FILTER_LENGTH_MAX} characters, this one has ${source.length}`);
  }
  if (source.trim() === "") return refused("the filter is empty");
  try {
    const parsed = parse(source);
    const problem = vetExpression(parsed.expr, parsed.sourceInfo?.macroCalls ?? {});
    if (problem !== undefined) return refused(withPosition(problem, source, parsed.sourceInfo));
    const run = plan(environment, meterExpression(parsed.expr));
    return { kind: "compiled", filter: { evaluate: (subject) => evaluate(run, subject) } };
  } catch (error) {
    return refused(syntaxMessage(error));
  }
}

function evaluate(run: ReturnType<typeof plan>, { type, data, nodes }: FilterSubject): FilterVerdict {
  meter.begin(nodes);
  const { stackTraceLimit } = Error;
  // The library makes an Error of every missing member; without their stacks a loop over many is five times as fast.
  Error.stackTraceLimit = 0;
  try {
    const result = run({ type, data });
    if (meter.isExhausted) return { kind: "error", message: "the filter costs too much on this event" };
    if (result === true) return PASSES;
    if (result === false) return FAILS;
    return { kind: "error", message: isCelError(result) ? result.message : "the filter gave neither true nor false" };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function refused(message: string): FilterCompilation {
  return { kind: "refused", message };
}

function withPosition({ nodeId, message }: ExpressionProblem, source: string, info: SourceInfo | undefined): string {
  const offset = info?.positions[String(nodeId)];
  if (offset === undefined) return message;
  const before = source.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${message}`;
}

/** The parser says `<input>:1:8: found = but expecting ...`. */
function syntaxMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^<input>:(\d+):(\d+): /, "line $1, column $2: ");
}
