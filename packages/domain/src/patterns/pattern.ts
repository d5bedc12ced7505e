/**
 * Event patterns. `*` alone matches everything; `*` as the last token matches one or more further tokens;
 * a `*` anywhere else matches exactly one. Everything else matches itself.
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

/** Does one pattern match one type? The compiled form for many webhooks is `PatternIndex`. */
export function patternMatches(pattern: string, type: string): boolean {
  const wanted = pattern.split(".");
  const given = type.split(".");
  if (wanted.at(-1) === "*") {
    return given.length >= wanted.length && wanted.every((token, index) => token === "*" || token === given[index]);
  }
  return given.length === wanted.length && wanted.every((token, index) => token === "*" || token === given[index]);
}
