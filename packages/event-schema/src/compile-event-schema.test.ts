import { limits } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileEventSchema, type EventSchema, type SchemaProblem } from "./compile-event-schema.ts";

const ORDER = {
  type: "object",
  required: ["id", "items"],
  additionalProperties: false,
  properties: {
    id: { type: "string", format: "uuid" },
    note: { $ref: "#/$defs/text" },
    country: { enum: ["DE", "FR"] },
    items: { type: "array", minItems: 1, items: { $ref: "#/$defs/item" } },
  },
  $defs: {
    text: { type: "string", maxLength: 10 },
    item: {
      type: "object",
      required: ["sku"],
      properties: { sku: { type: "string", pattern: "^[A-Z][0-9]+$" }, "a/b": { type: "integer" } },
    },
  },
};
const SOUND = { id: "0198a1b2-0000-7000-8000-000000000001", items: [{ sku: "A1" }] };

describe("validating", () => {
  const { validate } = schemaOf(ORDER);

  it.each<[string, unknown, readonly SchemaProblem[]]>([
    ["what fits", SOUND, []],
    ["nothing like it", 5, [{ path: "", message: "must be object" }]],
    ["a missing member", { items: [{ sku: "A1" }] }, [{ path: "/id", message: "is required" }]],
    ["a missing member inside", { ...SOUND, items: [{}] }, [{ path: "/items/0/sku", message: "is required" }]],
    ["an unknown member", { ...SOUND, extra: 1 }, [{ path: "/extra", message: "is not known" }]],
    ["a wrong type", { ...SOUND, items: "x" }, [{ path: "/items", message: "must be array" }]],
    ["too few", { ...SOUND, items: [] }, [{ path: "/items", message: "must NOT have fewer than 1 items" }]],
    ["a format", { ...SOUND, id: "x" }, [{ path: "/id", message: 'must match format "uuid"' }]],
    [
      "a list",
      { ...SOUND, country: "XX" },
      [{ path: "/country", message: "must be one of the values that the schema lists" }],
    ],
    [
      "what a $ref says",
      { ...SOUND, note: "12345678901" },
      [{ path: "/note", message: "must NOT have more than 10 characters" }],
    ],
    [
      "a pattern",
      { ...SOUND, items: [{ sku: "a1" }] },
      [{ path: "/items/0/sku", message: 'must match pattern "^[A-Z][0-9]+$"' }],
    ],
    [
      "a name with a slash",
      { ...SOUND, items: [{ sku: "A1", "a/b": "x" }] },
      [{ path: "/items/0/a~1b", message: "must be integer" }],
    ],
  ])("%s", (_, data, problems) => {
    expect(validate(data)).toEqual(problems);
  });

  it("tells the first value that does not fit, and at most 20 problems of it", () => {
    const many = schemaOf({ anyOf: Array.from({ length: 40 }, (_, index) => ({ const: index })) });
    expect(many.validate("x")).toHaveLength(20);
    expect(many.validate(39)).toEqual([]);
    expect(validate({ id: "x", items: "x", extra: 1 })).toHaveLength(1);
  });

  it("keeps patterns apart", () => {
    const two = schemaOf({ properties: { a: { pattern: "^a$" }, b: { pattern: "^b$" } } });
    expect(two.validate({ a: "a", b: "b" })).toEqual([]);
    expect(two.validate({ a: "b", b: "b" })).toHaveLength(1);
    expect(two.validate({ a: "a", b: "a" })).toHaveLength(1);
  });

  it.each(["constructor", "toString", "__proto__"])("does not take %s for a member that everything has", (name) => {
    expect(schemaOf({ required: [name] }).validate({})).toEqual([{ path: `/${name}`, message: "is required" }]);
    expect(schemaOf({ additionalProperties: false }).validate(JSON.parse(`{"${name}":1}`))).toHaveLength(1);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ["date-time", ["2026-03-24T13:37:00Z"], ["2026-02-30T00:00:00Z", "yesterday"]],
    ["date", ["2026-02-28"], ["2026-02-30", "2026-2-3"]],
    ["email", ["a@b.example"], ["a", "a@b", "a b@c.example"]],
    ["uri", ["https://a.example/x", "urn:a:b"], ["/x", "x y"]],
    ["ipv4", ["10.0.0.1"], ["10.0.0.256"]],
    ["ipv6", ["::1"], ["::g"]],
  ])("checks the format %s", (format, sound, unsound) => {
    const { validate: check } = schemaOf({ format });
    for (const text of sound) expect(check(text)).toEqual([]);
    for (const text of unsound) expect(check(text)).toHaveLength(1);
    expect(check("x".repeat(3_000))).toHaveLength(1);
    expect(check(5)).toEqual([]);
  });

  it("takes true, false and the empty schema for what they are", () => {
    expect(schemaOf(true).validate(1)).toEqual([]);
    expect(schemaOf({}).validate(1)).toEqual([]);
    expect(schemaOf(false).validate(1)).toHaveLength(1);
  });

  it("lets two schemas be each for itself", () => {
    const one = schemaOf({ $defs: { a: { type: "string" } }, $ref: "#/$defs/a" });
    const other = schemaOf({ $defs: { a: { type: "number" } }, $ref: "#/$defs/a" });
    expect([one.validate("x"), one.validate(1), other.validate("x"), other.validate(1)].map((p) => p.length)).toEqual([
      0, 1, 1, 0,
    ]);
  });
});

describe("what is refused", () => {
  it.each<[unknown, string]>([
    ["x", "The schema must be an object, true or false."],
    [{ type: "strin" }, "/type must be equal to one of the allowed values."],
    [{ minimum: "1" }, "/minimum must be number."],
    [{ requird: ["a"] }, "/requird is not a keyword that can be used here."],
    [{ properties: { a: { nulable: true } } }, "/properties/a/nulable is not a keyword that can be used here."],
    [{ $id: "https://a.example" }, "/$id is not a keyword that can be used here."],
    [{ $async: true }, "/$async is not a keyword that can be used here."],
    [{ $dynamicRef: "#x" }, "/$dynamicRef is not a keyword that can be used here."],
    [
      { $schema: "http://json-schema.org/draft-07/schema#" },
      "/$schema must be https://json-schema.org/draft/2020-12/schema.",
    ],
    [{ $ref: "https://a.example/schema" }, '/$ref must point into the schema itself, such as "#/$defs/address".'],
    [{ $ref: "#/$defs/a" }, "/$ref finds nothing: #/$defs/a must be a member of $defs."],
    [{ $ref: "#" }, '/$ref must point into the schema itself, such as "#/$defs/address".'],
    [
      { $defs: { a: { items: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" },
      "/$ref/items/$ref contains itself; a schema must end somewhere.",
    ],
    [
      { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
      "/$defs/a/$ref/$ref contains itself; a schema must end somewhere.",
    ],
    [{ items: { $defs: {} } }, "/items/$defs must stand at the top of the schema."],
    [{ uniqueItems: true }, '/uniqueItems needs "maxItems" of at most 256 beside it.'],
    [{ format: "hostname" }, "/format must be one of date-time, date, uuid, email, uri, ipv4, ipv6."],
    [{ pattern: "(" }, "/pattern is not a pattern that can be used: error parsing regexp: missing closing ): `(`."],
    [{ pattern: "(?=a)" }, "/pattern is not a pattern that can be used"],
    [{ pattern: "(a)\\1" }, "/pattern is not a pattern that can be used"],
    [{ pattern: "\\p{L}+" }, "/pattern is not a pattern that can be used: \\p and \\P cannot be used"],
    [{ pattern: "(([a-z]{30}){30})" }, "/pattern is not a pattern that can be used: it is too large"],
    [{ patternProperties: { "[": {} } }, "/patternProperties/[ is not a pattern that can be used"],
    [
      { propertyNames: { pattern: "a{1000}" } },
      "/propertyNames/pattern is not a pattern that can be used: it is too large",
    ],
    [{ allOf: Array(500).fill({}) }, "is one too many: a schema has at most 500 parts"],
    [{ enum: Array.from({ length: 2_000 }, (_, index) => index) }, "/enum is one too many"],
    [doubling(12), "is one too many: a schema has at most 500 parts, those behind $ref included."],
    [nested(40), "schemas may stand at most 32 deep inside each other."],
  ])("%j", (schema, message) => {
    expect(compileEventSchema(JSON.stringify(schema))).toEqual({
      kind: "refused",
      message: expect.stringContaining(message),
    });
  });

  it("is said of text that is no JSON, or too long", () => {
    expect(compileEventSchema("{").kind).toBe("refused");
    expect(compileEventSchema(JSON.stringify({ title: "x".repeat(limits.EVENT_SCHEMA_BYTES_MAX) }))).toEqual({
      kind: "refused",
      message: "A schema has at most 32768 bytes, this one has 32780.",
    });
    expect(compileEventSchema("[".repeat(30_000)).kind).toBe("refused");
  });
});

describe("any schema and any data", () => {
  it("compiles or refuses, and validates without throwing", () => {
    const keyword = fc.constantFrom(
      "type",
      "items",
      "properties",
      "$ref",
      "enum",
      "not",
      "required",
      "$defs",
      "minimum",
    );
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("string", "object", "#/$defs/a", ["a"], { a: {} }, {}));
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(keyword, value), fc.jsonValue()), fc.jsonValue(), (schema, data) => {
        const result = compileEventSchema(JSON.stringify(schema));
        if (result.kind === "refused") return result.message.length > 0;
        return Array.isArray(result.schema.validate(data));
      }),
      { numRuns: 300 },
    );
  });
});

/** Definitions of which each refers twice to the next: 2^depth schemas in a few lines. */
function doubling(depth: number): unknown {
  const definitions = Array.from({ length: depth }, (_, index) => {
    const next = { $ref: `#/$defs/d${index + 1}` };
    return [`d${index}`, { allOf: [next, next] }];
  });
  return { $defs: { ...Object.fromEntries(definitions), [`d${depth}`]: {} }, $ref: "#/$defs/d0" };
}

function nested(depth: number): unknown {
  return depth === 0 ? {} : { items: nested(depth - 1) };
}

function schemaOf(schema: unknown): EventSchema {
  const compiled = compileEventSchema(JSON.stringify(schema));
  if (compiled.kind === "refused") throw new Error(compiled.message);
  return compiled.schema;
}
