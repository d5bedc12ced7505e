/**
 * Reads a schema before it is compiled: only known keywords, only local references, and a size that counts every
 * reference as what it stands for, so that the time of a validation is bounded by it. A schema that contains itself has
 * no such size and is refused.
 */

import { FORMATS } from "./formats.ts";
import { ANNOTATIONS, ASSERTIONS, DEFINITIONS, ONE_SCHEMA, REFERENCE, SCHEMA_LISTS, SCHEMA_MAPS } from "./keywords.ts";
import { SCHEMA_DEPTH_MAX, SCHEMA_PARTS_MAX, UNIQUE_ITEMS_MAX } from "./limits.ts";
import { isSchemaObject } from "./meter-schema.ts";
import { patternProblem } from "./pattern.ts";

const ENUM_ENTRIES_PER_PART = 4;
const DIALECT = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Undefined when the schema can be used, else where and what is wrong. */
export function schemaProblem(root: unknown): string | undefined {
  const vetting = new Vetting(root);
  vetting.visit(root, "", []);
  if (isSchemaObject(root)) {
    for (const keyword of DEFINITIONS) vetting.visitUnused(root[keyword], `/${keyword}`);
  }
  return vetting.problem;
}

class Vetting {
  problem: string | undefined;
  readonly #root: unknown;
  readonly #seen = new Set<unknown>();
  #parts = 0;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** @param inside the schemas around this one, those that a `$ref` stands in included. */
  visit(schema: unknown, path: string, inside: readonly unknown[]): void {
    if (this.problem !== undefined || typeof schema === "boolean") return;
    if (!isSchemaObject(schema)) {
      this.#refuse(path, "must be an object, true or false");
      return;
    }
    this.#count(1, path);
    if (inside.includes(schema)) {
      this.#refuse(path, "contains itself; a schema must end somewhere");
      return;
    }
    if (inside.length >= SCHEMA_DEPTH_MAX) {
      this.#refuse(path, `schemas may stand at most ${SCHEMA_DEPTH_MAX} deep inside each other`);
      return;
    }
    this.#seen.add(schema);
    const around = [...inside, schema];
    for (const [keyword, value] of Object.entries(schema)) {
      const at = `${path}/${keyword}`;
      if (DEFINITIONS.has(keyword)) this.#needRoot(schema, at);
      else if (ONE_SCHEMA.has(keyword)) this.visit(value, at, around);
      else if (SCHEMA_LISTS.has(keyword)) this.#visitList(value, at, around);
      else if (SCHEMA_MAPS.has(keyword)) this.#visitMap(keyword, value, at, around);
      else if (keyword === "$ref") this.#visitReference(value, at, around);
      else if (ASSERTIONS.has(keyword)) this.#assertion(keyword, value, at, schema);
      else if (!ANNOTATIONS.has(keyword)) this.#refuse(at, "is not a keyword that can be used here");
      else if (keyword === "$schema" && !(typeof value === "string" && DIALECT.test(value))) {
        this.#refuse(at, "must be https://json-schema.org/draft/2020-12/schema");
      }
    }
  }

  /** Definitions that nothing refers to are compiled as well. */
  visitUnused(definitions: unknown, path: string): void {
    if (definitions === undefined) return;
    if (!isSchemaObject(definitions)) {
      this.#refuse(path, "must be an object");
      return;
    }
    for (const [name, schema] of Object.entries(definitions)) {
      if (!this.#seen.has(schema)) this.visit(schema, `${path}/${name}`, []);
    }
  }

  #visitList(value: unknown, path: string, inside: readonly unknown[]): void {
    if (!Array.isArray(value)) {
      this.#refuse(path, "must be a list of schemas");
      return;
    }
    for (const [index, schema] of value.entries()) this.visit(schema, `${path}/${index}`, inside);
  }

  #visitMap(keyword: string, value: unknown, path: string, inside: readonly unknown[]): void {
    if (!isSchemaObject(value)) {
      this.#refuse(path, "must be an object of schemas");
      return;
    }
    for (const [name, schema] of Object.entries(value)) {
      if (keyword === "patternProperties") this.#pattern(name, `${path}/${name}`);
      this.visit(schema, `${path}/${name}`, inside);
    }
  }

  #visitReference(value: unknown, path: string, inside: readonly unknown[]): void {
    if (typeof value !== "string" || !value.startsWith("#/")) {
      this.#refuse(path, 'must point into the schema itself, such as "#/$defs/address"');
      return;
    }
    const [, keyword = "", name = ""] = REFERENCE.exec(value) ?? [];
    const definitions = isSchemaObject(this.#root) ? this.#root[keyword] : undefined;
    const target = isSchemaObject(definitions) && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (target === undefined) {
      this.#refuse(path, `finds nothing: ${value} must be a member of $defs`);
      return;
    }
    this.visit(target, path, inside);
  }

  #needRoot(schema: object, path: string): void {
    if (schema !== this.#root) this.#refuse(path, "must stand at the top of the schema");
  }

  #assertion(keyword: string, value: unknown, path: string, schema: Readonly<Record<string, unknown>>): void {
    if (keyword === "pattern") {
      this.#pattern(value, path);
      return;
    }
    if (keyword === "enum" && Array.isArray(value)) this.#count(value.length / ENUM_ENTRIES_PER_PART, path);
    if (keyword === "format" && !(typeof value === "string" && Object.hasOwn(FORMATS, value))) {
      this.#refuse(path, `must be one of ${Object.keys(FORMATS).join(", ")}`);
    }
    if (keyword === "uniqueItems" && value === true) {
      const { maxItems } = schema;
      if (typeof maxItems === "number" && maxItems <= UNIQUE_ITEMS_MAX) return;
      this.#refuse(path, `needs "maxItems" of at most ${UNIQUE_ITEMS_MAX} beside it`);
    }
  }

  #pattern(value: unknown, path: string): void {
    const problem = typeof value === "string" ? patternProblem(value) : "must be a string";
    if (problem !== undefined) this.#refuse(path, `is not a pattern that can be used: ${problem}`);
  }

  #count(parts: number, path: string): void {
    this.#parts += parts;
    if (this.#parts > SCHEMA_PARTS_MAX) {
      this.#refuse(path, `is one too many: a schema has at most ${SCHEMA_PARTS_MAX} parts, those behind $ref included`);
    }
  }

  #refuse(path: string, message: string): void {
    this.problem ??= `${path === "" ? "The schema" : path} ${message}.`;
  }
}
