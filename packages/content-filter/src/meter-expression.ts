/**
 * Puts the meter into an expression: every pass of a loop, and every operand whose comparison visits what is in it, goes
 * through a function that charges for it. The expression's meaning stays the same.
 */

import type { Expr, Expr_Call, Expr_Comprehension } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";
import { CONDITIONS, FUNCTIONS, type Role } from "./filter-language.ts";
import { KEYS, MEMBERS, RANGE, SHORT, STEP, WHOLE } from "./metered-environment.ts";

const WRAPPERS: ReadonlyMap<Role, string> = new Map([
  ["whole", WHOLE],
  ["members", MEMBERS],
  ["short", SHORT],
]);

export function meterExpression(expr: Expr): Expr {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case "selectExpr": {
      const { operand } = exprKind.value;
      if (operand === undefined) return expr;
      const value = { ...exprKind.value, operand: meterExpression(operand) };
      return { ...expr, exprKind: { case: "selectExpr", value } };
    }
    case "listExpr": {
      const value = { ...exprKind.value, elements: exprKind.value.elements.map(meterExpression) };
      return { ...expr, exprKind: { case: "listExpr", value } };
    }
    case "callExpr":
      return { ...expr, exprKind: { case: "callExpr", value: meterCall(exprKind.value) } };
    case "comprehensionExpr":
      return { ...expr, exprKind: { case: "comprehensionExpr", value: meterLoop(expr, exprKind.value) } };
    default:
      return expr;
  }
}

function meterCall(call: Expr_Call): Expr_Call {
  const args = call.args.map(meterExpression);
  if (call.target !== undefined) return { ...call, target: meterExpression(call.target), args };
  if (call.function === "_[_]") {
    const [operand, index] = args;
    if (operand === undefined || index === undefined || isText(index)) return { ...call, args };
    return { ...call, args: [called(KEYS, operand), index] };
  }
  const roles = (CONDITIONS.get(call.function) ?? FUNCTIONS.get(call.function))?.roles ?? [];
  const metered = args.map((arg, index) => {
    const wrapper = WRAPPERS.get(roles[index] ?? "plain");
    const costsNothing = wrapper !== SHORT && arg.exprKind.case === "constExpr";
    return wrapper === undefined || costsNothing ? arg : called(wrapper, arg);
  });
  return { ...call, args: metered };
}

function meterLoop(expr: Expr, loop: Expr_Comprehension): Expr_Comprehension {
  const { iterRange, loopCondition, loopStep } = loop;
  if (iterRange === undefined || loopCondition === undefined || loopStep === undefined) return loop;
  const stepCost = int(expr, countNodes(loopStep) + countNodes(loopCondition));
  const goesOn = called(STEP, stepCost);
  return {
    ...loop,
    iterRange: called(RANGE, meterExpression(iterRange)),
    loopCondition: call(expr, "_&&_", [goesOn, meterExpression(loopCondition)]),
    loopStep: meterExpression(loopStep),
  };
}

/** Nodes that one pass evaluates at most, those of loops inside it aside: they are charged for by themselves. */
function countNodes(expr: Expr): number {
  const { exprKind } = expr;
  const parts = (exprs: readonly (Expr | undefined)[]): number =>
    exprs.reduce((sum, part) => sum + (part === undefined ? 0 : countNodes(part)), 1);
  switch (exprKind.case) {
    case "selectExpr":
      return parts([exprKind.value.operand]);
    case "listExpr":
      return parts(exprKind.value.elements);
    case "callExpr":
      return parts([exprKind.value.target, ...exprKind.value.args]);
    case "comprehensionExpr":
      return parts([exprKind.value.iterRange, exprKind.value.accuInit]);
    default:
      return 1;
  }
}

function isText({ exprKind }: Expr): boolean {
  return exprKind.case === "constExpr" && exprKind.value.constantKind.case === "stringValue";
}

function called(name: string, arg: Expr): Expr {
  return call(arg, name, [arg]);
}

/** A call in the place of `at`, so that an error in it points there. */
function call(at: Expr, name: string, args: Expr[]): Expr {
  const value: Expr_Call = { $typeName: "cel.expr.Expr.Call", function: name, args };
  return { $typeName: "cel.expr.Expr", id: at.id, exprKind: { case: "callExpr", value } };
}

function int(at: Expr, number: number): Expr {
  const constantKind = { case: "int64Value", value: BigInt(number) } as const;
  return {
    $typeName: "cel.expr.Expr",
    id: at.id,
    exprKind: { case: "constExpr", value: { $typeName: "cel.expr.Constant", constantKind } },
  };
}
