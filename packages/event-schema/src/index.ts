/** JSON Schema for the data of events. The only home of the validator. */

export {
  compileEventSchema,
  type EventSchema,
  type EventSchemaCompilation,
  type SchemaProblem,
} from "./compile-event-schema.ts";
