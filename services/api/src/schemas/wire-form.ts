/**
 * What goes over the wire where a schema checks or transforms it by code. JSON Schema cannot be made from code, so it
 * stands beside the schema that it describes.
 */

import { z } from "zod";

/** JSON Schema of draft 2020-12. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

const WIRE_FORMS = z.registry<JsonSchema>();

/** Documents the schema as `form`, wherever it is used. It has to allow all that the schema allows, and little more. */
export function withWireForm<Schema extends z.ZodType>(schema: Schema, form: JsonSchema): Schema {
  WIRE_FORMS.add(schema, form);
  return schema;
}

/** Undefined: what Zod makes of the schema says it all. */
export function wireFormOf(schema: z.core.$ZodType): JsonSchema | undefined {
  return WIRE_FORMS.get(schema);
}
