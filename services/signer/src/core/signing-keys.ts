/**
 * Derives from a clear secret the HMAC keys that receivers verify with. One secret serves both families: libraries for
 * Standard Webhooks decode what follows `whsec_`, the seed systems' own code takes the text as it is.
 */

import { createSecretKey, type KeyObject } from "node:crypto";

/** Key objects: with one Node 24 makes an HMAC in 3 µs, with bytes in 33; nor do they show what they hold. */
export type SigningKeys = {
  /** For `webhook-signature`. */
  readonly standard: KeyObject;
  /** For a profile's own signature header: the UTF-8 bytes of the whole secret. */
  readonly legacy: KeyObject;
};

const STANDARD_PREFIX = "whsec_";
/** Base64 in the standard alphabet; padding may be left out, but must be right if it is there. */
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/;

/**
 * The standard key is what `whsec_` stands before, decoded. Where nothing decodable follows, no Standard Webhooks
 * library can use the secret as it is, so it counts as any other text: its UTF-8 bytes, prefix included.
 */
export function signingKeysOf(secret: string): SigningKeys {
  const legacy = createSecretKey(secret, "utf8");
  const encoded = secret.startsWith(STANDARD_PREFIX) ? secret.slice(STANDARD_PREFIX.length) : "";
  const isDecodable = encoded !== "" && BASE64.test(encoded);
  return { legacy, standard: isDecodable ? createSecretKey(encoded, "base64") : legacy };
}
