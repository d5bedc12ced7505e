/** What a schema may cost to hold and to check with. The domain's `EVENT_SCHEMA_BYTES_MAX` bounds its text. */

/** Schemas inside schemas, with every `$ref` counted as what it stands for; four entries of an `enum` count as one. */
export const SCHEMA_PARTS_MAX = 500;
/** Schemas inside each other, `$ref` included. */
export const SCHEMA_DEPTH_MAX = 32;
/** `uniqueItems` compares each with each, so it needs a `maxItems` of at most this. */
export const UNIQUE_ITEMS_MAX = 256;
/** Instructions of a compiled `pattern`; one for a UUID has 50. */
export const PATTERN_INSTRUCTIONS_MAX = 500;
/**
 * Units of cost that the validation of one event may use up: one per part of a schema for every element that it is
 * applied to, and more for patterns. Enough for 50,000 elements with twenty parts each.
 */
export const VALIDATION_COST_MAX = 1_000_000;
/** Characters of a text with a `format`; an address or a time is shorter. */
export const FORMATTED_LENGTH_MAX = 2_048;
/** Problems told of one event. */
export const PROBLEMS_MAX = 20;
