/**
 * Reads JSON text strictly: valid UTF-8, valid JSON, no byte-order mark. What is wrong is a refusal, never an
 * exception.
 */

import { type Checked, refused, sound } from "./refusals.ts";

/** Keeps a byte-order mark as a character, which JSON.parse then refuses. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The value of the text; `what` names the text in a refusal, such as "The body". */
export function readJson(json: Uint8Array, what: string): Checked<unknown> {
  const text = decodeUtf8(json);
  if (text === undefined) return refused("invalid_utf8", `${what} is not valid UTF-8.`);
  try {
    return sound(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refused("malformed_json", `${what} is not valid JSON: ${reason}.`);
  }
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member name as a JSON pointer (RFC 6901) has it. */
export function pointerTo(name: string): string {
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
