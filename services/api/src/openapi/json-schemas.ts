/** Makes JSON Schemas of Zod schemas, the named ones among them as components that others refer to. */

import { z } from "zod";
import { type JsonSchema, wireFormOf } from "../schemas/wire-form.ts";

export type Direction =
  /** What a client may send. */
  | "input"
  /** What a client gets. */
  | "output";

export type JsonSchemas = {
  /** The schema, or a reference to its component when it has an `id`. */
  write(schema: z.ZodType, direction: Direction): JsonSchema;
  /** The components so far, by name. */
  readonly components: Readonly<Record<string, JsonSchema>>;
};

export function createJsonSchemas(): JsonSchemas {
  const components: Record<string, JsonSchema> = {};
  return {
    components,
    write: (schema, direction) => {
      const {
        $schema: _dialect,
        $defs = {},
        ...json
      } = z.toJSONSchema(schema, {
        io: direction,
        override: ({ zodSchema, jsonSchema }) => replaceByWireForm(zodSchema, jsonSchema),
      });
      for (const [name, definition] of Object.entries($defs)) components[name] = relocated(definition);
      return relocated(json);
    },
  };
}

function replaceByWireForm(schema: z.core.$ZodType, json: z.core.JSONSchema.BaseSchema): void {
  const form = wireFormOf(schema);
  if (form === undefined) return;
  for (const member of Object.keys(json)) {
    if (member !== "description" && member !== "examples") delete json[member];
  }
  Object.assign(json, form);
}

/** With references into the document instead of the single schema, and without what only Zod's own integers say. */
function relocated(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (member: string, value: unknown) => {
    if (member === "$ref" && typeof value === "string") return value.replace("#/$defs/", "#/components/schemas/");
    if (member === "maximum" && value === Number.MAX_SAFE_INTEGER) return undefined;
    return member === "minimum" && value === Number.MIN_SAFE_INTEGER ? undefined : value;
  });
}
