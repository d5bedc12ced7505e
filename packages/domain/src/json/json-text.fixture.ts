/**
 * JSON texts for property tests, made as text and not by JSON.stringify: white space everywhere it may stand, escapes
 * that are not needed, numbers that no double holds. For tests only.
 */

import fc from "fast-check";

export type JsonTextOptions = {
  /** May an object have two members of one name? */
  readonly duplicates: boolean;
};

/** Any JSON value as text. */
export function jsonText(options: JsonTextOptions): fc.Arbitrary<string> {
  return jsonTexts(options).value;
}

/** A JSON object as text. */
export function jsonObjectText(options: JsonTextOptions): fc.Arbitrary<string> {
  return jsonTexts(options).object;
}

type Texts = { value: string; array: string; object: string };

function jsonTexts({ duplicates }: JsonTextOptions): { readonly [Name in keyof Texts]: fc.Arbitrary<Texts[Name]> } {
  return fc.letrec<Texts>((tie) => ({
    value: fc
      .tuple(
        space(),
        fc.oneof({ maxDepth: 4, depthIdentifier: "json" }, scalar(), tie("array"), tie("object")),
        space(),
      )
      .map((parts) => parts.join("")),
    array: fc
      .tuple(space(), fc.array(tie("value"), { maxLength: 4, depthIdentifier: "json" }))
      .map(([gap, values]) => (values.length === 0 ? `[${gap}]` : `[${values.join(",")}]`)),
    object: fc
      .tuple(space(), members(tie("value"), duplicates))
      .map(([gap, texts]) => (texts.length === 0 ? `{${gap}}` : `{${texts.join(",")}}`)),
  }));
}

function members(value: fc.Arbitrary<string>, duplicates: boolean): fc.Arbitrary<readonly string[]> {
  const member = fc.tuple(space(), stringText(), space(), value);
  const list = duplicates
    ? fc.array(member, { maxLength: 5, depthIdentifier: "json" })
    : fc.uniqueArray(member, {
        maxLength: 5,
        depthIdentifier: "json",
        selector: ([, name]) => JSON.parse(name) as string,
      });
  return list.map((all) => all.map(([before, name, after, text]) => `${before}${name}${after}:${text}`));
}

const space = () => fc.constantFrom("", "", "", " ", "\n", "\t\r ");
const scalar = () => fc.oneof(stringText(), numberText(), fc.constantFrom("true", "false", "null"));

const numberText = () =>
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => String(number)),
    fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/),
  );

/** Structural characters and quotes are common, and some characters are written as escapes that nobody needs. */
const stringText = () =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom('\\"', "\\\\", "\\/", "\\n", "\\u0061", "\\ud800", "\\u2028", "{", "}", "[", "]", ",", ":"),
        fc.constantFrom("a", "b", "1", "é", "𝄞", "__proto__", "toJSON"),
      ),
      { maxLength: 4 },
    )
    .map((parts) => `"${parts.join("")}"`);
