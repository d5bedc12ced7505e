/** JSON texts as people and languages write them: odd spacing, needless escapes, long numbers. For tests only. */

import fc from "fast-check";

const space = fc.constantFrom("", "", " ", "\n", "\t\r ");
const stringText = fc
  .array(fc.constantFrom("a", "é", "𝄞", "{", "]", ",", ":", '\\"', "\\\\", "\\/", "\\u0061", "\\ud800", "data"), {
    maxLength: 4,
  })
  .map((parts) => `"${parts.join("")}"`);
const numberText = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/);
const scalarText = fc.oneof(stringText, numberText, fc.constantFrom("true", "false", "null"));

type Texts = { value: string; array: string; object: string };

const texts = fc.letrec<Texts>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalarText, tie("array"), tie("object")),
  array: fc
    .array(spaced(tie("value")), { maxLength: 4 })
    .chain((values) => space.map((gap) => `[${values.length === 0 ? gap : values.join(",")}]`)),
  object: fc
    .array(fc.tuple(spaced(stringText), spaced(tie("value"))), { maxLength: 4 })
    .chain((members) => space.map((gap) => `{${members.length === 0 ? gap : membersText(members)}}`)),
}));

/** Any JSON value, without white space around it. */
export const jsonText: fc.Arbitrary<string> = texts.value;

/** An object with these members, in any order and with any white space between them. */
export function objectText(members: readonly (readonly [name: string, value: string])[]): fc.Arbitrary<string> {
  const written = fc.shuffledSubarray([...members], { minLength: members.length });
  return written.chain((ordered) =>
    fc
      .tuple(space, ...ordered.map(([name, value]) => spaced(fc.constant(`"${name}"`)).chain(colonAnd(value))))
      .map(([before, ...parts]) => `${before}{${parts.join(",")}}`),
  );
}

function spaced(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(""));
}

function colonAnd(value: string): (name: string) => fc.Arbitrary<string> {
  return (name) => spaced(fc.constant(value)).map((text) => `${name}:${text}`);
}

function membersText(members: readonly (readonly [string, string])[]): string {
  return members.map(([name, value]) => `${name}:${value}`).join(",");
}
