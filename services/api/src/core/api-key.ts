/** API keys as texts: how they look and where a request carries one. */

/** 256 bits are beyond guessing. */
export const KEY_RANDOM_BYTES = 32;
const KEY_LENGTH_MAX = 256;

/** @param random `KEY_RANDOM_BYTES` bytes. */
export function apiKeyText(prefix: string, random: Uint8Array): string {
  return prefix + Buffer.from(random).toString("hex");
}

/** The key of a request: `Authorization: Bearer <key>`, else `X-API-Key`. Undefined when there is none. */
export function presentedKey(headers: {
  readonly authorization?: string | undefined;
  readonly "x-api-key"?: string | string[] | undefined;
}): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
  const key = bearer ?? headers["x-api-key"];
  return typeof key === "string" && key.length > 0 && key.length <= KEY_LENGTH_MAX ? key : undefined;
}
