/**
 * The keywords of JSON Schema (2020-12) that an event's schema may use, by what stands behind them. What is not here is
 * refused: `$id` and `$anchor` would make names that several schemas share, `$dynamicRef` a cost that nobody can bound.
 */

export const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$schema",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

export const ASSERTIONS: ReadonlySet<string> = new Set([
  "type",
  "enum",
  "const",
  "format",
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minContains",
  "maxContains",
  "minProperties",
  "maxProperties",
  "required",
  "dependentRequired",
]);

/** Behind them stands one schema. */
export const ONE_SCHEMA: ReadonlySet<string> = new Set([
  "not",
  "if",
  "then",
  "else",
  "items",
  "contains",
  "additionalProperties",
  "propertyNames",
]);

/** A list of schemas. */
export const SCHEMA_LISTS: ReadonlySet<string> = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);

/** An object whose members are schemas. */
export const SCHEMA_MAPS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "dependentSchemas",
  "$defs",
  "definitions",
]);

/** Schemas that count only where a `$ref` names them. */
export const DEFINITIONS: ReadonlySet<string> = new Set(["$defs", "definitions"]);
/** The only `$ref` there is. */
export const REFERENCE = /^#\/(\$defs|definitions)\/([^/]+)$/;

/** Their schemas are applied to every element or member. */
export const LOOPS: ReadonlySet<string> = new Set([
  "items",
  "contains",
  "additionalProperties",
  "patternProperties",
  "propertyNames",
]);

/** To see whether they hold, all members of an object are listed, however early it is known that one does not fit. */
export const LISTING: ReadonlySet<string> = new Set([
  "additionalProperties",
  "patternProperties",
  "propertyNames",
  "minProperties",
  "maxProperties",
]);
