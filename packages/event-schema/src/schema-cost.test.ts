/** What hostile schemas cost on the largest payload. */

import { limits } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { compileEventSchema, type EventSchema } from "./compile-event-schema.ts";

/** Some thirty times the slowest on an idle machine. */
const VALIDATION_MS_MAX = 3_000;

const NUMBERS = Array(limits.EVENT_DATA_BYTES_MAX / 2).fill(1);
const OBJECTS = Array.from({ length: limits.EVENT_DATA_BYTES_MAX / 3 }, () => ({}));
const TEXT = "a".repeat(limits.EVENT_DATA_BYTES_MAX - 2);
const TEXTS = Array(limits.EVENT_DATA_BYTES_MAX / 4).fill("a");
const LONG_LISTS = Array.from({ length: 256 }, (_, index) => [index, ...Array(490).fill(0)]);
const NAMES = Object.fromEntries(Array.from({ length: 24_000 }, (_, index) => [`k${index}`, 1]));

describe("a validation ends when its cost is used up", () => {
  it.each<[string, unknown, unknown]>([
    [
      "many schemas for every element",
      { allOf: Array.from({ length: 160 }, (_, n) => ({ items: { minimum: -n } })) },
      NUMBERS,
    ],
    [
      "many values for every element",
      { items: { enum: [...Array.from({ length: 1_900 }, (_, n) => -n), 1] } },
      NUMBERS,
    ],
    [
      "many objects for every element",
      { items: { enum: [...Array.from({ length: 1_900 }, (_, n) => ({ n })), {}] } },
      OBJECTS,
    ],
    ["many properties for every element", { items: { properties: members(490) } }, OBJECTS],
    ["branches that nearly all fail", { items: { anyOf: [...Array(480).fill({ const: 0 }), {}] } }, NUMBERS],
    [
      "references for every element",
      { $defs: { a: { anyOf: Array(90).fill({ const: 1 }) } }, items: { $ref: "#/$defs/a" } },
      NUMBERS,
    ],
    ["schemas for every name", { propertyNames: { allOf: Array(100).fill({ maxLength: 9 }) } }, NAMES],
    ["schemas for every member", { additionalProperties: { allOf: Array(100).fill({ minimum: 0 }) } }, NAMES],
    [
      "patterns for every name",
      { patternProperties: { "^k[0-9]{1,9}$": {}, "^k[0-9]{2,9}$": {}, "^[a-z0-9]{2,99}$": {} } },
      NAMES,
    ],
    [
      "lists of the members, again and again",
      { anyOf: [...Array(240).fill({ additionalProperties: false }), {}] },
      NAMES,
    ],
    ["counts of the members, again and again", { allOf: Array(480).fill({ minProperties: 1 }) }, NAMES],
    [
      "comparisons of large elements with each other",
      { allOf: Array(240).fill({ uniqueItems: true, maxItems: 256 }) },
      LONG_LISTS,
    ],
    ["a search among all", { contains: { allOf: Array(100).fill({ const: "x" }) } }, NUMBERS],
    ["a pattern on the largest text", { pattern: "^(a|aa)+(b|c){50}$" }, TEXT],
    ["a pattern on many texts", { items: { pattern: "^a+[a-z]{0,80}$" } }, TEXTS],
  ])("%s", (_, schema, data) => {
    const compiled = compile(schema);
    const startedAt = performance.now();
    expect(compiled.validate(data)).toEqual([{ path: "", message: "checking it against the schema costs too much" }]);
    expect(performance.now() - startedAt).toBeLessThan(VALIDATION_MS_MAX);
  });

  it.each<[string, unknown, unknown]>([
    [
      "a plain schema for every element of the largest list",
      { items: { type: "integer", minimum: 0, maximum: 9 } },
      NUMBERS,
    ],
    ["twenty properties of thousands", { items: { properties: members(20) } }, OBJECTS.slice(0, 30_000)],
    ["a search among all", { contains: { const: 1 } }, NUMBERS],
    [
      "as many different elements as there may be",
      { uniqueItems: true, maxItems: 256 },
      LONG_LISTS.map((list) => list.slice(0, 200)),
    ],
    ["a limit on the members of the largest object", { maxProperties: 30_000 }, NAMES],
  ])("leaves room for %s", (_, schema, data) => {
    const compiled = compile(schema);
    const startedAt = performance.now();
    expect(compiled.validate(data)).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(VALIDATION_MS_MAX);
  });

  it("refuses a list that is too long to be compared before it is compared", () => {
    const compiled = compile({ allOf: Array(240).fill({ uniqueItems: true, maxItems: 256 }) });
    const startedAt = performance.now();
    expect(compiled.validate(NUMBERS)).toMatchObject([{ path: "", message: expect.stringContaining("256 items") }]);
    expect(performance.now() - startedAt).toBeLessThan(VALIDATION_MS_MAX);
  });

  it.each<[string, string]>([
    ["uniqueItems", '{"uniqueItems":true,"maxItems":9}'],
    ["const", `{"items":{"const":${nested(15_000)}}}`],
    ["enum", `{"items":{"enum":[${nested(15_000)}]}}`],
  ])("refuses what is nested too deeply for %s, and does not throw", (_, schema) => {
    const compiled = compileEventSchema(schema);
    if (compiled.kind === "refused") throw new Error(compiled.message);
    const data = JSON.parse(`[${nested(60_000)},${nested(60_000)}]`);
    expect(compiled.schema.validate(data)).toEqual([{ path: "", message: "is nested too deeply to be compared" }]);
  });

  it("leaves room for a plain pattern on thousands of texts, one event after the other", () => {
    const schema = { items: { pattern: "^[0-9a-f]{8}-[0-9a-f]{4}$" } };
    for (let round = 0; round < 3; round += 1)
      expect(compile(schema).validate(Array(2_000).fill("01234567-89ab"))).toEqual([]);
  });
});

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function members(count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, { type: "string" }]));
}

function compile(schema: unknown): EventSchema {
  const compiled = compileEventSchema(JSON.stringify(schema));
  if (compiled.kind === "refused") throw new Error(compiled.message);
  return compiled.schema;
}
