/** What a filter may cost to hold, to read and to run. The domain's `FILTER_LENGTH_MAX` bounds its text. */

/** Nodes of the parsed expression; a filter of 1,024 characters has rarely more than 200. */
export const FILTER_NODES_MAX = 400;
/** Expressions inside each other. */
export const FILTER_DEPTH_MAX = 32;
/**
 * Units of cost that one evaluation may use up: about one per part that a pass of `exists` or its like evaluates, and
 * one per piece of text that has to be read. Enough for 5,000 elements with one comparison each.
 */
export const FILTER_COST_MAX = 50_000;
/** Compiled filters that are remembered, at some 7 KB each; of the others each use costs 0.2 ms. */
export const COMPILED_FILTERS_MAX = 4_000;
