/**
 * Event patterns. `*` alone matches everything; `*` as the last token matches one or more further tokens;
 * a `*` anywhere else matches exactly one. Everything else matches itself. Operational events are wanted by name only:
 * a `*` in the first place does not match their types.
 */

import { EVENT_TYPE_LENGTH_MAX } from "../limits.ts";

const PATTERN = /^(\*|[A-Za-z0-9_-]+)(\.(\*|[A-Za-z0-9_-]+))*$/;

/** Undefined when the pattern is sound, else what is wrong with it. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length < 1 || pattern.length > EVENT_TYPE_LENGTH_MAX) {
    return `must have 1 to ${EVENT_TYPE_LENGTH_MAX} characters, has ${pattern.length}`;
  }
  return PATTERN.test(pattern)
    ? undefined
    : "must be tokens joined by single dots, each * or made of letters, digits, _ or -";
}

/** The first token of the types that Posthorn itself publishes; nobody else may. */
export const OPERATIONAL_TOKEN = "posthorn";
const OPERATIONAL_PREFIX = `${OPERATIONAL_TOKEN}.`;

/** Is it a type of what happens to webhooks and deliveries, not of what a publisher sent? */
export function isOperationalType(type: string): boolean {
  return type.startsWith(OPERATIONAL_PREFIX);
}

/** Does one pattern match one type? The compiled form for many webhooks is `PatternIndex`. */
export function patternMatches(pattern: string, type: string): boolean {
  const wanted = pattern.split(".");
  const given = type.split(".");
  if (isOperationalType(type) && wanted[0] !== OPERATIONAL_TOKEN) return false;
  if (wanted.at(-1) === "*") {
    return given.length >= wanted.length && wanted.every((token, index) => token === "*" || token === given[index]);
  }
  return given.length === wanted.length && wanted.every((token, index) => token === "*" || token === given[index]);
}
