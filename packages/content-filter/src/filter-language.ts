/**
 * The part of CEL that a filter may use, and what each operator gives. Left out is what would need more than one pass
 * over the data or memory that grows with it (`map`, `filter`, `matches`), and what no condition needs.
 */

/** What an expression gives, as far as can be known before there is data. `json`: something out of `data`. */
export type Kind =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "null"
  | "list"
  | "timestamp"
  | "duration"
  | "json";

export type Role =
  /** `&&`, `||`, `!` and `?:` decide by it. */
  | "condition"
  /** All that is in it may be visited. */
  | "whole"
  /** Its members may be visited. */
  | "members"
  /** It is converted from text. */
  | "short"
  /** Taken as it is. */
  | "plain";

type Signature = { readonly roles: readonly Role[]; readonly gives: Kind };

/** Comparisons and logic, by the names that the parser gives them. */
export const CONDITIONS: ReadonlyMap<string, Signature> = new Map([
  ["_&&_", { roles: ["condition", "condition"], gives: "bool" }],
  ["_||_", { roles: ["condition", "condition"], gives: "bool" }],
  ["!_", { roles: ["condition"], gives: "bool" }],
  ["_==_", { roles: ["whole", "whole"], gives: "bool" }],
  ["_!=_", { roles: ["whole", "whole"], gives: "bool" }],
  ["_<_", { roles: ["plain", "plain"], gives: "bool" }],
  ["_<=_", { roles: ["plain", "plain"], gives: "bool" }],
  ["_>_", { roles: ["plain", "plain"], gives: "bool" }],
  ["_>=_", { roles: ["plain", "plain"], gives: "bool" }],
  ["@in", { roles: ["whole", "members"], gives: "bool" }],
]);

export const ARITHMETIC: ReadonlySet<string> = new Set(["_+_", "_-_", "_*_", "_/_", "_%_"]);

/** Written `name(value)`. */
export const FUNCTIONS: ReadonlyMap<string, Signature> = new Map([
  ["size", { roles: ["plain"], gives: "int" }],
  ["int", { roles: ["short"], gives: "int" }],
  ["double", { roles: ["short"], gives: "double" }],
  ["string", { roles: ["plain"], gives: "string" }],
  ["timestamp", { roles: ["short"], gives: "timestamp" }],
  ["duration", { roles: ["short"], gives: "duration" }],
]);

/** Written `value.name(...)`; the roles are those of the arguments. */
export const METHODS: ReadonlyMap<string, Signature> = new Map([
  ["size", { roles: [], gives: "int" }],
  ["startsWith", { roles: ["plain"], gives: "bool" }],
  ["endsWith", { roles: ["plain"], gives: "bool" }],
  ["contains", { roles: ["plain"], gives: "bool" }],
]);

export const MACROS: ReadonlySet<string> = new Set(["all", "exists", "exists_one"]);

/** For those who write what CEL has and a filter does not. */
export const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["matches", "use startsWith, endsWith or contains"],
  ["map", "use exists or all"],
  ["filter", "use exists or all"],
]);

/** What a filter may name. */
export const VARIABLES: ReadonlyMap<string, Kind> = new Map([
  ["data", "json"],
  ["type", "string"],
]);

export type Sum =
  | { readonly kind: "gives"; readonly gives: Kind }
  | { readonly kind: "never"; readonly problem: string };

/** What `left operator right` gives, or why it never gives anything. */
export function arithmeticGives(operator: string, left: Kind, right: Kind): Sum {
  const sign = operator.slice(1, -1);
  if (left === "json" || right === "json") return withData(sign, left === "json" ? right : left);
  if (left === "timestamp" || right === "timestamp") return withTime(sign, left, right);
  if (left === right && SUMMABLE.get(left)?.includes(sign) === true) return { kind: "gives", gives: left };
  return { kind: "never", problem: `there is no ${left} ${sign} ${right}` };
}

const SUMMABLE: ReadonlyMap<Kind, string> = new Map([
  ["int", "+-*/%"],
  ["uint", "+-*/%"],
  ["double", "+-*/"],
  ["string", "+"],
  ["duration", "+-"],
]);

function withData(sign: string, other: Kind): Sum {
  if (other === "int" || other === "uint" || sign === "%") {
    return {
      kind: "never",
      problem: "numbers in data are doubles: write 1.0 instead of 1, or int(...) around what is of data",
    };
  }
  if (other === "json" || other === "double" || (other === "string" && sign === "+")) {
    return { kind: "gives", gives: other };
  }
  return { kind: "never", problem: `nothing in data can be used with ${sign} and a ${other}` };
}

function withTime(sign: string, left: Kind, right: Kind): Sum {
  const isLater = sign === "+" && (left === "duration" || right === "duration");
  const isEarlier = sign === "-" && left === "timestamp" && right === "duration";
  if (isLater || isEarlier) return { kind: "gives", gives: "timestamp" };
  if (sign === "-" && left === right) return { kind: "gives", gives: "duration" };
  return { kind: "never", problem: `there is no ${left} ${sign} ${right}` };
}
