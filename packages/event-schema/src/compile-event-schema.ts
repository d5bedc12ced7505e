/**
 * The JSON Schema (2020-12) of an event type. Compiling refuses what is no schema and whatever would make a validation
 * unbounded; validating never throws. It ends at the first value that does not fit: collecting all of them would take
 * memory that grows with the data.
 */

import { limits } from "@posthorn/domain";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { comparingCost, listingCost } from "./data-cost.ts";
import { FORMATS } from "./formats.ts";
import { PROBLEMS_MAX } from "./limits.ts";
import { COMPARING_COST, COST, isSchemaObject, LISTING_COST, meterSchema } from "./meter-schema.ts";
import { compilePattern } from "./pattern.ts";
import { CostError, ValidationMeter } from "./validation-meter.ts";
import { schemaProblem } from "./vet-schema.ts";

/** A JSON pointer into the data ("" is the whole) and what is wrong there. */
export type SchemaProblem = { readonly path: string; readonly message: string };

/** `validate` tells at most `PROBLEMS_MAX` problems of the parsed data, none when they fit. */
export type EventSchema = { readonly validate: (data: unknown) => readonly SchemaProblem[] };

export type EventSchemaCompilation =
  | { readonly kind: "compiled"; readonly schema: EventSchema }
  | { readonly kind: "refused"; readonly message: string };

/** A validation does not wait for anything, so one meter serves all of them, one after the other. */
const meter = new ValidationMeter();
const ajv = createValidator();

export function compileEventSchema(jsonText: string): EventSchemaCompilation {
  const bytes = Buffer.byteLength(jsonText);
  if (bytes > limits.EVENT_SCHEMA_BYTES_MAX) {
    return refused(`A schema has at most ${limits.EVENT_SCHEMA_BYTES_MAX} bytes, this one has ${bytes}.`);
  }
  try {
    const schema: unknown = JSON.parse(jsonText);
    const problem = schemaProblem(schema);
    if (problem !== undefined) return refused(problem);
    if (typeof schema !== "boolean" && !isSchemaObject(schema)) {
      return refused("The schema must be an object, true or false.");
    }
    const object = isSchemaObject(schema) ? schema : { allOf: [schema] };
    if (ajv.validateSchema(object) !== true) return refused(metaProblem(ajv.errors ?? []));
    const metered = meterSchema(object);
    const check = ajv.compile(metered);
    // What is compiled would otherwise be remembered for ever.
    ajv.removeSchema(metered);
    ajv.removeSchema(object);
    return { kind: "compiled", schema: { validate: (data) => validate(check, data) } };
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
}

function createValidator(): Ajv2020 {
  const charge = (units: number): void => meter.charge(units);
  const validator = new Ajv2020({
    strict: true,
    // Without a "type" a keyword says nothing of other types, which JSON Schema allows.
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allErrors: false,
    addUsedSchema: false,
    // Else every object would have a "constructor".
    ownProperties: true,
    logger: false,
    code: { regExp: Object.assign((pattern: string) => compilePattern(pattern, charge), { code: "compilePattern" }) },
  });
  const charging = { before: "allOf", errors: false } as const;
  validator.addKeyword({
    ...charging,
    keyword: COST,
    schemaType: "number",
    validate: (units: number) => {
      charge(units);
      return true;
    },
  });
  validator.addKeyword({
    ...charging,
    keyword: LISTING_COST,
    schemaType: "number",
    validate: (listings: number, data: unknown) => {
      charge(listings * listingCost(data));
      return true;
    },
  });
  validator.addKeyword({
    ...charging,
    keyword: COMPARING_COST,
    schemaType: "boolean",
    validate: (_: boolean, data: unknown) => {
      charge(comparingCost(data));
      return true;
    },
  });
  for (const [name, isSound] of Object.entries(FORMATS)) validator.addFormat(name, isSound);
  return validator;
}

function validate(check: ValidateFunction, data: unknown): readonly SchemaProblem[] {
  meter.begin();
  try {
    if (check(data)) return [];
  } catch (error) {
    if (error instanceof CostError) return [{ path: "", message: error.message }];
    // Equality is looked for value inside value, as deep as the data go.
    if (error instanceof RangeError) return [{ path: "", message: "is nested too deeply to be compared" }];
    throw error;
  }
  return (check.errors ?? []).slice(0, PROBLEMS_MAX).map(problemOf);
}

function problemOf({ keyword, instancePath, params, message }: ErrorObject): SchemaProblem {
  switch (keyword) {
    case "required":
      return { path: `${instancePath}/${pointerToken(params.missingProperty)}`, message: "is required" };
    case "additionalProperties":
      return { path: `${instancePath}/${pointerToken(params.additionalProperty)}`, message: "is not known" };
    case "enum":
      return { path: instancePath, message: "must be one of the values that the schema lists" };
    default:
      return { path: instancePath, message: message ?? "does not fit the schema" };
  }
}

function metaProblem(errors: readonly ErrorObject[]): string {
  const [first] = errors;
  if (first === undefined) return "The schema is not valid.";
  return `${first.instancePath === "" ? "The schema" : first.instancePath} ${first.message ?? "is not valid"}.`;
}

function pointerToken(name: unknown): string {
  return String(name).replaceAll("~", "~0").replaceAll("/", "~1");
}

function refused(message: string): EventSchemaCompilation {
  return { kind: "refused", message };
}
