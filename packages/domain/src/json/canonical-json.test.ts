import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CANONICAL_NESTING_MAX } from "../limits.ts";
import { canonicalJson } from "./canonical-json.ts";
import { jsonText } from "./json-text.fixture.ts";

describe("canonicalJson", () => {
  it.each([
    // Spelled otherwise, but the same value.
    ['{"a": 1}', '{"a":1}'],
    ["1.0", "1"],
    ["1e3", "1000"],
    ["-0", "0"],
    ["-0.0e5", "0"],
    ["0.10", "0.1"],
    ["1E-7", "1e-7"],
    ["1e21", "1e+21"],
    ["9007199254740992", "9007199254740992"],
    ["100000000000000000000", "100000000000000000000"],
    ["5e-324", "5e-324"],
    ['"\\u00e9\\/"', '"é/"'],
    ['"\\ud800"', '"\\ud800"'],
    ['"\u2028"', '"\u2028"'],
    ['{"b":1,"2":2,"1":3}', '{"1":3,"2":2,"b":1}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
    ['{"toJSON":1}', '{"toJSON":1}'],
  ])("keeps %s as %s", (json, canonical) => {
    const result = canonicalJson(Buffer.from(json));
    expect(result.kind === "value" ? JSON.stringify(result.value) : result).toBe(canonical);
  });

  it.each([
    ["12345678901234567890", "the number 12345678901234567890 has no exact JavaScript form"],
    ["9007199254740993", "the number 9007199254740993 has no exact JavaScript form"],
    [
      "0.1000000000000000055511151231257827",
      "the number 0.1000000000000000055511151231257827 has no exact JavaScript form",
    ],
    ["1e400", "the number 1e400 has no exact JavaScript form"],
    ["1e-400", "the number 1e-400 has no exact JavaScript form"],
    ['{"a":[1,{"b":1e999}]}', "the number 1e999 has no exact JavaScript form"],
    ['{"a":1,"a":1}', 'the member "a" is given twice'],
    ['[{"a":{"b":1,"\\u0062":2}}]', 'the member "b" is given twice'],
  ])("calls %s lossy", (json, reason) => {
    expect(canonicalJson(Buffer.from(json))).toEqual({ kind: "lossy", reason });
  });

  it("names the first number that would change", () => {
    const result = canonicalJson(Buffer.from('{"a":[1e999],"b":2e999}'));
    expect(result).toMatchObject({ reason: expect.stringContaining("1e999") });
  });

  it("names a very long number by its beginning", () => {
    const result = canonicalJson(Buffer.from("9".repeat(100_000)));
    expect(result.kind === "lossy" && result.reason.length).toBeLessThan(200);
  });

  it("takes values nested as deep as the limit, and calls deeper ones lossy", () => {
    expect(canonicalJson(nested(CANONICAL_NESTING_MAX)).kind).toBe("value");
    expect(canonicalJson(nested(CANONICAL_NESTING_MAX + 1))).toEqual({
      kind: "lossy",
      reason: "it is nested deeper than 500 levels",
    });
    // As deep as an event can be: JSON.parse with a reviver would overflow the stack.
    expect(canonicalJson(nested(128 * 1_024)).kind).toBe("lossy");
  });

  it("reads a number of many zeros in linear time", () => {
    const json = Buffer.from(`0.1${"0".repeat(250_000)}1`);
    const startedAtMs = performance.now();
    expect(canonicalJson(json).kind).toBe("lossy");
    // A backtracking search for the trailing zeros takes 40 s.
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  it("gives values whose text is a fixed point of parsing and stringifying", () => {
    fc.assert(
      fc.property(jsonText({ duplicates: true }), (json) => {
        const result = canonicalJson(Buffer.from(json));
        if (result.kind === "lossy") return;
        const text = JSON.stringify(result.value);
        expect(JSON.stringify(JSON.parse(text))).toBe(text);
        expect(canonicalJson(Buffer.from(text)).kind).toBe("value");
      }),
    );
  });

  it("accepts every value that JavaScript itself wrote", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(Buffer.from(JSON.stringify(value))).kind).toBe("value");
      }),
    );
  });

  it("accepts a decimal number exactly when the double's shortest text names the same number", () => {
    fc.assert(
      fc.property(decimal(), ({ text, digits, exponent }) => {
        const [shortestDigits, shortestExponent] = exact(String(Number(text)));
        const isSame = sameDecimal(digits, exponent, shortestDigits, shortestExponent);
        expect(canonicalJson(Buffer.from(text)).kind).toBe(isSame ? "value" : "lossy");
      }),
    );
  });
});

const nested = (depth: number) => Buffer.from("[".repeat(depth) + "]".repeat(depth));

/** A number as text, and as digits times a power of ten. */
const decimal = () =>
  fc
    .record({ digits: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), exponent: fc.integer({ min: -30, max: 30 }) })
    .map(({ digits, exponent }) => ({ text: `${digits}e${exponent}`, digits, exponent }));

/** JavaScript's own form of a number, as digits times a power of ten. */
function exact(text: string): [digits: bigint, exponent: number] {
  const [mantissa = "", exponent = "0"] = text.split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return [BigInt(whole + fraction), Number(exponent) - fraction.length];
}

function sameDecimal(digits: bigint, exponent: number, otherDigits: bigint, otherExponent: number): boolean {
  const lowest = Math.min(exponent, otherExponent);
  return digits * 10n ** BigInt(exponent - lowest) === otherDigits * 10n ** BigInt(otherExponent - lowest);
}
