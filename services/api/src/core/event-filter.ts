/** The `event` filter of delivery lists: an event type or a pattern, in the form that Postgres can evaluate. */

export type EventFilter =
  | { readonly kind: "type"; readonly type: string }
  /** A POSIX regular expression over the whole type. */
  | { readonly kind: "expression"; readonly expression: string };

/** @param pattern a sound one, so that its tokens hold nothing that a regular expression would interpret. */
export function eventFilterOf(pattern: string): EventFilter {
  if (!pattern.includes("*")) return { kind: "type", type: pattern };
  const tokens = pattern.split(".");
  const expressions = tokens.map((token, index) => {
    if (token !== "*") return token;
    return index === tokens.length - 1 ? ".+" : "[^.]+";
  });
  // Types of the engine itself are only matched by patterns that name it.
  const others = tokens[0] === "*" ? "(?!posthorn[.])" : "";
  return { kind: "expression", expression: `^${others}${expressions.join("[.]")}$` };
}
