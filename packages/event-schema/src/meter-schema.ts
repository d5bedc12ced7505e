/**
 * Puts the meter into a schema that has been vetted: what is applied to every element or member first charges for all
 * that it will look at, and so does what lists the members of an object or compares the elements of a list with each
 * other. The meaning stays the same.
 */

import { LISTING, LOOPS, ONE_SCHEMA, REFERENCE, SCHEMA_LISTS, SCHEMA_MAPS } from "./keywords.ts";

/** The keywords that charge; `keywords.ts` does not know them, so nobody else can write them. */
export const COST = "posthornCost";
/** Behind it stands how often the members are listed. */
export const LISTING_COST = "posthornListingCost";
export const COMPARING_COST = "posthornComparingCost";

type SchemaObject = Readonly<Record<string, unknown>>;

export function meterSchema(root: SchemaObject): SchemaObject {
  return meterMembers(root, root);
}

function meterMembers(schema: SchemaObject, root: SchemaObject): SchemaObject {
  const metered = Object.entries(schema).map(([keyword, value]) => [keyword, meterKeyword(keyword, value, root)]);
  const listings = Object.keys(schema).filter((keyword) => LISTING.has(keyword)).length;
  return Object.fromEntries([
    ...(listings > 0 ? [[LISTING_COST, listings]] : []),
    ...(schema.uniqueItems === true ? [[COMPARING_COST, true]] : []),
    ...metered,
  ]);
}

function meterKeyword(keyword: string, value: unknown, root: SchemaObject): unknown {
  const inner = (schema: unknown): unknown => {
    if (!isSchemaObject(schema)) return schema;
    const metered = meterMembers(schema, root);
    return LOOPS.has(keyword) ? { [COST]: partsOf(schema, root), allOf: [metered] } : metered;
  };
  if (ONE_SCHEMA.has(keyword)) return inner(value);
  if (SCHEMA_LISTS.has(keyword) && Array.isArray(value)) return value.map(inner);
  if (SCHEMA_MAPS.has(keyword) && isSchemaObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, inner(schema)]));
  }
  return value;
}

/** The parts that are applied to one value, those of the loops inside it aside: they are charged for by themselves. */
function partsOf(schema: unknown, root: SchemaObject): number {
  if (!isSchemaObject(schema)) return 1;
  let parts = 1;
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === "enum" && Array.isArray(value)) parts += value.length;
    else if (keyword === "$ref") parts += partsOf(definition(value, root), root);
    else if (LOOPS.has(keyword)) parts += 1;
    else if (ONE_SCHEMA.has(keyword)) parts += partsOf(value, root);
    else if (SCHEMA_LISTS.has(keyword) || SCHEMA_MAPS.has(keyword)) {
      for (const inner of isSchemaObject(value) || Array.isArray(value) ? Object.values(value) : []) {
        parts += partsOf(inner, root);
      }
    }
  }
  return parts;
}

function definition(reference: unknown, root: SchemaObject): unknown {
  const [, keyword = "", name = ""] = REFERENCE.exec(String(reference)) ?? [];
  const definitions = root[keyword];
  return isSchemaObject(definitions) ? definitions[name] : undefined;
}

export function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
