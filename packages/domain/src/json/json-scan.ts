/**
 * Finds the members of JSON objects in text that JSON.parse has already accepted, without making values of them.
 * It serves what JSON.parse hides: the exact bytes of a member, and members that are given twice.
 */

export type JsonMember = { readonly name: string; readonly start: number; readonly end: number };

/** The members of the top-level object, in order, each with the place of its value (no surrounding white space). */
export function topLevelMembers(json: Uint8Array): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(json, skipSpace(json, 0) + 1);
  while (json[at] === QUOTE) {
    const nameEnd = stringEnd(json, at);
    const name = decodeString(json, at, nameEnd);
    const start = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const end = valueEnd(json, start);
    members.push({ name, start, end });
    at = skipSpace(json, end);
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return members;
}

/** The places of an array's elements; the caller knows that the value at `start` is an array. */
export function arrayElements(json: Uint8Array, start: number): { readonly start: number; readonly end: number }[] {
  const elements: { start: number; end: number }[] = [];
  let at = skipSpace(json, start + 1);
  while (json[at] !== CLOSE_BRACKET) {
    const end = valueEnd(json, at);
    elements.push({ start: at, end });
    at = skipSpace(json, end);
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return elements;
}

/** The first member name that an object anywhere in the text has twice, if there is one. */
export function findDuplicateMember(json: Uint8Array): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let expectsName = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      const end = stringEnd(json, at);
      const names = open.at(-1);
      if (expectsName && names !== undefined) {
        const name = decodeString(json, at, end);
        if (names.has(name)) return name;
        names.add(name);
        expectsName = false;
      }
      at = end - 1;
    } else if (byte === OPEN_BRACE) {
      open.push(new Set());
      expectsName = true;
    } else if (byte === OPEN_BRACKET) {
      open.push(undefined);
      expectsName = false;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      open.pop();
      expectsName = false;
    } else if (byte === COMMA) {
      expectsName = open.at(-1) !== undefined;
    }
  }
  return undefined;
}

/** How many arrays and objects stand inside each other at the deepest place; 0 for a scalar. */
export function nestingDepth(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = stringEnd(json, at) - 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(json[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Most strings are shorter; what a longer one has beyond is searched natively, at a tenth of the cost. */
const SHORT_STRING_BYTES = 64;

/** The place behind the string that begins at `start`. */
function stringEnd(json: Uint8Array, start: number): number {
  const farFrom = start + SHORT_STRING_BYTES;
  let at = start + 1;
  while (json[at] !== QUOTE && at < farFrom) at += json[at] === BACKSLASH ? 2 : 1;
  if (json[at] !== QUOTE) {
    const quote = json.indexOf(QUOTE, at);
    if (!json.subarray(at, quote).includes(BACKSLASH)) return quote + 1;
    // Searched once only: a string full of escapes would be searched to its end for each of them.
    while (json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

function decodeString(json: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(json.buffer, json.byteOffset + start, end - start).toString();
  return text.includes("\\") ? JSON.parse(text) : text.slice(1, -1);
}

/** The place behind the value that begins at `start`. */
function valueEnd(json: Uint8Array, start: number): number {
  const first = json[start];
  if (first === QUOTE) return stringEnd(json, start);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return scalarEnd(json, start);
  let depth = 0;
  let at = start;
  do {
    const byte = json[at];
    if (byte === QUOTE) {
      at = stringEnd(json, at);
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    at += 1;
  } while (depth > 0);
  return at;
}

function scalarEnd(json: Uint8Array, start: number): number {
  let at = start;
  while (at < json.length && !isSpace(json[at]) && !isDelimiter(json[at])) at += 1;
  return at;
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}
