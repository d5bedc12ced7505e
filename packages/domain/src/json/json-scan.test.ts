import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrayElements, findDuplicateMember, nestingDepth, topLevelMembers } from "./json-scan.ts";
import { jsonObjectText, jsonText } from "./json-text.fixture.ts";

describe("topLevelMembers", () => {
  it("gives each value's exact bytes, without the white space around it", () => {
    const json = ' { "a" : 1.50 ,"b":{"x":[1, 2]},\n"c": "\\u00e9}" , "d":123456789012345678901234567890 } ';
    expect(slices(json)).toEqual([
      ["a", "1.50"],
      ["b", '{"x":[1, 2]}'],
      ["c", '"\\u00e9}"'],
      ["d", "123456789012345678901234567890"],
    ]);
  });

  it("counts in bytes, not in characters", () => {
    expect(slices('{"é":"𝄞","b":"ü"}')).toEqual([
      ["é", '"𝄞"'],
      ["b", '"ü"'],
    ]);
  });

  it("lists a member that is given twice, twice", () => {
    expect(slices('{"a":1,"\\u0061":2}')).toEqual([
      ["a", "1"],
      ["a", "2"],
    ]);
  });

  it.each([
    ["x".repeat(200), "without escapes"],
    [`${"x".repeat(100)}\\"${"y".repeat(100)}`, "with an escaped quote far behind its beginning"],
    [`${"x".repeat(62)}\\"y`, "with an escape where the native search would begin"],
    [`${"x".repeat(63)}\\\\`, "that ends with an escaped backslash"],
    ["\\\\".repeat(150), "of escapes only"],
  ])("finds the end of a long string, %# (%s): %s", (text) => {
    expect(slices(`{"a":"${text}","b":"z"}`)).toEqual([
      ["a", `"${text}"`],
      ["b", '"z"'],
    ]);
  });

  it("reads a large string of escapes in the time of its length", () => {
    const startedMs = performance.now();
    expect(slices(`{"a":"${"\\\\".repeat(1_000_000)}"}`)).toHaveLength(1);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it.each(["{}", " { } "])("finds none in %j", (json) => {
    expect(slices(json)).toEqual([]);
  });

  it("gives slices that parse to what JSON.parse gives for the whole", () => {
    fc.assert(
      fc.property(jsonObjectText({ duplicates: true }), (json) => {
        const parsed = slices(json).map(([name, text]) => [name, JSON.parse(text)] as const);
        // Of a name given twice JSON.parse keeps the last value, as Map does.
        const expected: unknown = JSON.parse(json);
        expect(new Map(parsed)).toEqual(new Map(Object.entries(expected as object)));
        for (const [, text] of slices(json)) expect(text).toBe(text.trim());
      }),
    );
  });
});

describe("arrayElements", () => {
  it("gives slices that parse to the elements", () => {
    fc.assert(
      fc.property(fc.array(jsonText({ duplicates: true })), (texts) => {
        const json = Buffer.from(`[${texts.join(",")}]`);
        const found = arrayElements(json, 0).map(({ start, end }) => json.subarray(start, end).toString());
        expect(found).toEqual(texts.map((text) => text.trim()));
      }),
    );
  });

  it("begins where it is told and ends with that array", () => {
    const json = Buffer.from('{"events": [ 1, [2, 3] ], "after": [4]}');
    const found = arrayElements(json, 11).map(({ start, end }) => json.subarray(start, end).toString());
    expect(found).toEqual(["1", "[2, 3]"]);
  });
});

describe("findDuplicateMember", () => {
  it.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"b":{"c":1,"c":1}}', "c"],
    ['[{"a":1},{"a":1,"b":[],"a":2}]', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"a":{"a":1},"b":1,"a":2}', "a"],
    ['{"":1,"":2}', ""],
  ])("finds in %s the second %j", (json, name) => {
    expect(findDuplicateMember(Buffer.from(json))).toBe(name);
  });

  it.each([
    "{}",
    "1",
    '"a"',
    '{"a":"a","b":"a"}',
    '{"a":{"a":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '["a","a"]',
    '{"a":["a","a"],"b":1}',
    '{"a":"\\"a\\":1,\\"a\\":2"}',
    '{"a":1,"A":2}',
  ])("finds none in %s", (json) => {
    expect(findDuplicateMember(Buffer.from(json))).toBeUndefined();
  });

  it("finds none where names are distinct, and one when a member is repeated", () => {
    fc.assert(
      fc.property(jsonObjectText({ duplicates: false }), jsonText({ duplicates: false }), (json, value) => {
        expect(findDuplicateMember(Buffer.from(json))).toBeUndefined();
        const first = slices(json)[0];
        if (first === undefined) return;
        const name = JSON.stringify(first[0]);
        const repeated = json.replace(/}\s*$/, `,${name}:${value}}`);
        expect(findDuplicateMember(Buffer.from(repeated))).toBe(first[0]);
      }),
    );
  });
});

describe("nestingDepth", () => {
  it.each([
    ["1", 0],
    ['"[{"', 0],
    ["[]", 1],
    ['{"a":1,"b":2}', 1],
    ['[[],[[]],{"a":{}}]', 3],
    ['{"a":"\\"[[[["}', 1],
  ])("of %s is %i", (json, depth) => {
    expect(nestingDepth(Buffer.from(json))).toBe(depth);
  });

  it("agrees with a count over the parsed value", () => {
    fc.assert(
      fc.property(jsonText({ duplicates: false }), (json) => {
        expect(nestingDepth(Buffer.from(json))).toBe(depthOf(JSON.parse(json)));
      }),
    );
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function slices(json: string): [name: string, text: string][] {
  const bytes = Buffer.from(json);
  return topLevelMembers(bytes).map(({ name, start, end }) => [name, bytes.subarray(start, end).toString()]);
}
