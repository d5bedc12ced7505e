/**
 * Makes malformed requests of the description of the API: for every operation, bodies and parameters that it does not
 * allow, and things that no description covers. For tests only.
 */

import fc from "fast-check";
import type { OpenApiDocument } from "./openapi/document.ts";

export type MalformedRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
};

type Schema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
};

export type Operation = {
  readonly operationId: string;
  readonly method: string;
  readonly template: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly body: Schema | undefined;
};

export function operationsOf(document: OpenApiDocument): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const { operationId, parameters = [], requestBody } = described as DescribedOperation;
      const body = requestBody?.content["application/json"].schema;
      const named = parameters.filter((parameter) => "name" in parameter);
      return { operationId, method: method.toUpperCase(), template, parameters: named, body };
    }),
  );
}

type DescribedOperation = {
  readonly operationId: string;
  readonly parameters?: Operation["parameters"];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
};

/**
 * @param sound bodies that the operations accept, by `operationId`.
 * @param path parameters that exist.
 */
export function malformedRequest(
  operation: Operation,
  sound: Readonly<Record<string, unknown>>,
  path: Readonly<Record<string, string>>,
): fc.Arbitrary<MalformedRequest> {
  const url = fill(operation.template, path);
  const { method, body } = operation;
  const json = { "content-type": "application/json" };
  const valid = JSON.stringify(sound[operation.operationId]);
  const base = { method, url, headers: body === undefined ? {} : json, body: body === undefined ? undefined : valid };
  const kinds = [
    badQuery(operation).map((query) => ({ ...base, url: `${url}?${query}` })),
    ...(operation.template.includes("{") ? [badPath(operation, path).map((bad) => ({ ...base, url: bad }))] : []),
    ...(method === "GET" ? [] : [unreadable().map((bytes) => ({ ...base, headers: json, body: bytes }))]),
    ...(method === "GET" ? [] : [badMediaType().map((type) => ({ ...base, headers: type, body: valid ?? "{}" }))]),
  ];
  const badBodies = () => badBody(body ?? {}, sound[operation.operationId]).map((bad) => ({ ...base, body: bad }));
  return fc.oneof(...kinds, ...(body === undefined ? [] : [{ arbitrary: badBodies(), weight: kinds.length * 3 }]));
}

function fill(template: string, path: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(path[name] ?? "unknown"));
}

/** An unknown parameter, a known one twice, or one with a value that its schema does not allow. */
function badQuery({ parameters }: Operation): fc.Arbitrary<string> {
  const known = parameters.filter((parameter) => parameter.in === "query" && parameter.schema.type !== "string");
  const unknown = fc.string({ unit: "binary", maxLength: 20 }).map((text) => `x-${encodeURIComponent(text)}=1`);
  const wrong = known.map(({ name, schema }) =>
    outside(schema).map((value) => `${name}=${encodeURIComponent(typeof value === "string" ? value : "{}")}`),
  );
  const twice = known.map(({ name }) => fc.constant(`${name}=1&${name}=2`));
  return fc.oneof(unknown, ...wrong, ...twice);
}

/** Ids that are none, characters that no id has, escapes that are broken, and a path that goes on. */
function badPath({ template }: Operation, path: Readonly<Record<string, string>>): fc.Arbitrary<string> {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const piece = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).map(encodeURIComponent),
    fc.constantFrom("%", "%zz", "%ff", "%00", "..%2f", "x".repeat(600), "0".repeat(36), "*", "'--"),
  );
  return fc
    .tuple(fc.constantFrom(...names), piece)
    .map(([name, bad]) =>
      template.replaceAll(/\{(\w+)\}/g, (_all, one: string) => (one === name ? bad : (path[one] ?? "unknown"))),
    );
}

function unreadable(): fc.Arbitrary<string | Uint8Array> {
  const truncated = fc.json({ maxDepth: 3 }).map((text) => `{"a":${text}`);
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((random) => Buffer.concat([NOT_UTF8, random]));
  return fc.oneof(truncated, bytes, fc.constantFrom("\uFEFF{}", "{'a':1}", '{"a":1,"a":2}', "[".repeat(5_000), "NaN"));
}

const NOT_UTF8 = Buffer.from([0xff]);

function badMediaType(): fc.Arbitrary<Readonly<Record<string, string>>> {
  const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "x", "/"];
  return fc.constantFrom(...types).map((type) => ({ "content-type": type }));
}

/** A sound body with one member made wrong, left out or added; or something else altogether. */
function badBody(schema: Schema, sound: unknown): fc.Arbitrary<string> {
  const { properties = {}, required = [] } = schema;
  const whole = typeof sound === "object" && sound !== null ? sound : {};
  const wrong = Object.entries(properties)
    .filter(([, member]) => isLimited(member))
    .map(([name, member]) => outside(member).map((value) => ({ ...whole, [name]: value })));
  const missing = required.map((name) =>
    fc.constant(Object.fromEntries(Object.entries(whole).filter(([member]) => member !== name))),
  );
  const added = fc
    .tuple(fc.string({ unit: "binary", maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }))
    .map(([name, value]) => ({ ...whole, [`x-${name}`]: value }));
  const others = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.jsonValue()));
  return fc.oneof(...wrong, ...missing, added, others).map((value) => JSON.stringify(value));
}

/** False for what may be any JSON. */
function isLimited(schema: Schema): boolean {
  return schema.type !== undefined || schema.anyOf !== undefined;
}

/** Values that the schema does not allow. */
function outside(schema: Schema): fc.Arbitrary<unknown> {
  const inner = (schema.anyOf ?? []).find((one) => one.type !== "null") ?? schema;
  const byType: Readonly<Record<string, readonly fc.Arbitrary<unknown>[]>> = {
    string: [
      fc.integer(),
      fc.constant({}),
      ...(inner.maxLength === undefined ? [] : [fc.constant("x".repeat(inner.maxLength + 1))]),
      ...(inner.minLength === undefined ? [] : [fc.constant("")]),
      ...(inner.enum === undefined ? [] : [fc.string({ minLength: 1 }).map((text) => `x-${text}`)]),
      fc.constant("\u0000"),
    ],
    integer: [
      fc.constantFrom("1e2", "0x10", " 1", "-1", "1.5", "NaN", ""),
      fc.constant({}),
      fc.constant([1]),
      ...(inner.minimum === undefined ? [] : [fc.constant(inner.minimum - 1)]),
      ...(inner.maximum === undefined ? [] : [fc.constant(inner.maximum + 1)]),
      fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
    ],
    boolean: [fc.constantFrom("yes", "TRUE", "1", ""), fc.constantFrom(0, 1), fc.constant({})],
    array: [
      fc.constant({}),
      fc.constant("x"),
      ...(inner.maxItems === undefined ? [] : [fc.constant(Array.from({ length: inner.maxItems + 1 }, () => 1))]),
      ...(inner.items === undefined ? [] : [outside(inner.items).map((item) => [item])]),
    ],
  };
  return fc.oneof(...(byType[inner.type ?? ""] ?? [fc.constant([[]])]));
}
