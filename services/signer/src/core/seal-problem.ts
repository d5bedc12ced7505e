/** What may be sealed for which purpose. What is refused here could not be used later, when nobody could mend it. */

import { limits } from "@posthorn/domain";
import { ED25519_PREFIX, ed25519KeyOf } from "./ed25519-key.ts";
import { customHeaders, HEADERS_TEXT_LENGTH_MAX } from "./extra-headers.ts";
import type { SealPurpose } from "./sealing.ts";

/** By its name in the contract. */
const PURPOSES: ReadonlyMap<string, SealPurpose> = new Map([
  ["", "signing"],
  ["token", "token"],
  ["headers", "headers"],
]);

export function parseSealPurpose(text: string): SealPurpose | undefined {
  return PURPOSES.get(text);
}

const LENGTH_MAX: Readonly<Record<SealPurpose, number>> = {
  signing: limits.SECRET_LENGTH_MAX,
  token: limits.CUSTOM_HEADER_VALUE_LENGTH_MAX,
  headers: HEADERS_TEXT_LENGTH_MAX,
};

/** Undefined when the secret may be sealed, else what is wrong with it, without repeating it. */
export function sealProblem(purpose: SealPurpose, secret: string): string | undefined {
  const { length } = secret;
  const lengthMax = LENGTH_MAX[purpose];
  // How short a secret may be depends on who gave it: the api says so. An empty one is none.
  if (length < 1 || length > lengthMax) return `must have 1 to ${lengthMax} characters, has ${length}`;
  if (purpose === "headers" && customHeaders(secret) === undefined) {
    return `must be a JSON object of at most ${limits.CUSTOM_HEADERS_MAX} names and values`;
  }
  if (purpose === "signing" && ed25519KeyOf(secret).kind === "malformed") {
    return `must continue after ${ED25519_PREFIX} with 64 bytes in base64: an ed25519 seed and its public key`;
  }
  return undefined;
}
