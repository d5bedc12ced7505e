/**
 * Reads a parsed expression before it is run: nothing but what `filter-language.ts` knows, nothing too deep or too
 * large, and no operand that can never be right. What is only known with the data at hand is left to the evaluation.
 */

import type {
  Constant,
  Expr,
  Expr_Call,
  Expr_Comprehension,
  SourceInfo,
} from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";
import {
  ARITHMETIC,
  arithmeticGives,
  CONDITIONS,
  FUNCTIONS,
  INSTEAD,
  type Kind,
  MACROS,
  METHODS,
  VARIABLES,
} from "./filter-language.ts";
import { FILTER_DEPTH_MAX, FILTER_NODES_MAX } from "./limits.ts";

export type ExpressionProblem = { readonly nodeId: bigint; readonly message: string };

/** The first problem, if there is one; a sound expression gives true, false or what only the data decide. */
export function vetExpression(expr: Expr, macroCalls: SourceInfo["macroCalls"]): ExpressionProblem | undefined {
  const vetting = new Vetting(macroCalls);
  const kind = vetting.kindOf(expr, VARIABLES, 1);
  if (kind !== "bool" && kind !== "json") {
    vetting.refuse(expr, `the filter must give true or false, not a ${kind}; compare it with something`);
  }
  return vetting.problem;
}

class Vetting {
  problem: ExpressionProblem | undefined;
  /** What was written in the place of what the parser made of it, by the number of its node. */
  readonly #macroCalls: SourceInfo["macroCalls"];
  #nodes = 0;

  constructor(macroCalls: SourceInfo["macroCalls"]) {
    this.#macroCalls = macroCalls;
  }

  /** Keeps the first problem. What is refused counts as `json`, so that it causes no second one. */
  refuse(expr: Expr, message: string): Kind {
    this.problem ??= { nodeId: expr.id, message };
    return "json";
  }

  kindOf(expr: Expr, variables: ReadonlyMap<string, Kind>, depth: number): Kind {
    if (this.problem !== undefined) return "json";
    this.#nodes += 1;
    if (this.#nodes > FILTER_NODES_MAX) return this.refuse(expr, `a filter has at most ${FILTER_NODES_MAX} parts`);
    if (depth > FILTER_DEPTH_MAX) {
      return this.refuse(expr, `expressions may stand at most ${FILTER_DEPTH_MAX} deep inside each other`);
    }
    const inner = (part: Expr | undefined, known = variables): Kind =>
      part === undefined ? this.refuse(expr, "it is not complete") : this.kindOf(part, known, depth + 1);
    const { exprKind } = expr;
    switch (exprKind.case) {
      case "constExpr":
        return constantKind(exprKind.value) ?? this.refuse(expr, "this value cannot be used");
      case "identExpr":
        return (
          variables.get(exprKind.value.name) ??
          this.refuse(expr, `there is no "${exprKind.value.name}": a filter sees "type" and "data"`)
        );
      case "selectExpr": {
        const operand = inner(exprKind.value.operand);
        if (operand !== "json") return this.refuse(expr, `a ${operand} has no "${exprKind.value.field}"`);
        return exprKind.value.testOnly ? "bool" : "json";
      }
      case "listExpr":
        for (const element of exprKind.value.elements) inner(element);
        return "list";
      case "structExpr":
        return this.refuse(expr, "maps cannot be written in a filter");
      case "callExpr":
        return this.#callKind(expr, exprKind.value, inner);
      case "comprehensionExpr":
        return this.#loopKind(expr, exprKind.value, variables, inner);
      default:
        return this.refuse(expr, "it is not complete");
    }
  }

  #callKind(expr: Expr, call: Expr_Call, inner: (part: Expr | undefined) => Kind): Kind {
    const { target, args } = call;
    const kinds = args.map((arg) => inner(arg));
    if (target !== undefined) return this.#methodKind(expr, call, inner(target));
    const [left, right] = kinds;
    if (left !== undefined && right !== undefined && ARITHMETIC.has(call.function)) {
      const sum = arithmeticGives(call.function, left, right);
      return sum.kind === "gives" ? sum.gives : this.refuse(expr, sum.problem);
    }
    if (call.function === "_[_]") {
      const isIndexable = left === "json" || left === "list";
      return isIndexable ? "json" : this.refuse(expr, `a ${left} has no members`);
    }
    if (call.function === "-_" && left !== undefined) return left;
    if (call.function === "_?_:_") return this.#choiceKind(expr, kinds);
    const signature = CONDITIONS.get(call.function) ?? FUNCTIONS.get(call.function);
    if (signature === undefined) return this.refuse(expr, notKnown(call.function));
    if (signature.roles.length !== args.length) {
      return this.refuse(expr, `${call.function}() takes ${signature.roles.length} value`);
    }
    if (signature.roles[0] === "condition") this.#needConditions(expr, kinds);
    return signature.gives;
  }

  #methodKind(expr: Expr, call: Expr_Call, target: Kind): Kind {
    const signature = METHODS.get(call.function);
    if (signature === undefined) return this.refuse(expr, notKnown(call.function));
    if (signature.roles.length !== call.args.length) {
      return this.refuse(expr, `${call.function}() takes ${signature.roles.length} value`);
    }
    if (target !== "json" && target !== "string" && !(target === "list" && call.function === "size")) {
      return this.refuse(expr, `a ${target} has no ${call.function}()`);
    }
    return signature.gives;
  }

  #choiceKind(expr: Expr, kinds: readonly Kind[]): Kind {
    const [condition, whenTrue, whenFalse] = kinds;
    if (condition === undefined || whenTrue === undefined || whenFalse === undefined) {
      return this.refuse(expr, "it is not complete");
    }
    this.#needConditions(expr, [condition]);
    if (whenTrue === whenFalse) return whenTrue;
    if (whenTrue === "json" || whenFalse === "json") return "json";
    return this.refuse(expr, `both sides of ":" must be of one type, they are a ${whenTrue} and a ${whenFalse}`);
  }

  #loopKind(
    expr: Expr,
    loop: Expr_Comprehension,
    variables: ReadonlyMap<string, Kind>,
    inner: (part: Expr | undefined, known?: ReadonlyMap<string, Kind>) => Kind,
  ): Kind {
    const written = this.#macroCalls[String(expr.id)]?.exprKind;
    const macro = written?.case === "callExpr" ? written.value.function : "this loop";
    if (!MACROS.has(macro)) return this.refuse(expr, notKnown(macro));
    const range = inner(loop.iterRange);
    if (range !== "json" && range !== "list") return this.refuse(expr, `a ${range} has no elements`);
    const result = inner(loop.accuInit);
    const known = new Map(variables).set(loop.iterVar, "json").set(loop.accuVar, result);
    inner(loop.loopStep, known);
    return "bool";
  }

  #needConditions(expr: Expr, kinds: readonly Kind[]): void {
    for (const kind of kinds) {
      if (kind !== "bool" && kind !== "json") this.refuse(expr, `true or false is needed here, not a ${kind}`);
    }
  }
}

function notKnown(name: string): string {
  const instead = INSTEAD.get(name);
  return `${name} cannot be used in a filter${instead === undefined ? "" : `: ${instead}`}`;
}

function constantKind({ constantKind }: Constant): Kind | undefined {
  switch (constantKind.case) {
    case "boolValue":
      return "bool";
    case "int64Value":
      return "int";
    case "uint64Value":
      return "uint";
    case "doubleValue":
      return "double";
    case "stringValue":
      return "string";
    case "bytesValue":
      return "bytes";
    case "nullValue":
      return "null";
    default:
      return undefined;
  }
}
