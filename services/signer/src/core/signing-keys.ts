/**
 * Derives from a clear secret the keys that receivers verify with. One secret serves both families: libraries for
 * Standard Webhooks decode what follows `whsec_`, the seed systems' own code takes the text as it is. What follows
 * `whsk_` is an ed25519 key: its receivers hold the public half only.
 */

import { createSecretKey, type KeyObject } from "node:crypto";
import { ed25519KeyOf } from "./ed25519-key.ts";

/** Key objects: with one Node 24 makes an HMAC in 3 µs, with bytes in 33; nor do they show what they hold. */
export type SigningKeys =
  | {
      readonly kind: "hmac";
      /** For `webhook-signature`. */
      readonly standard: KeyObject;
      /** For a profile's own signature header: the UTF-8 bytes of the whole secret. */
      readonly legacy: KeyObject;
    }
  /** For `webhook-signature` alone: no seed system's receiver can verify it. */
  | { readonly kind: "ed25519"; readonly standard: KeyObject };

const STANDARD_PREFIX = "whsec_";
/** Base64 in the standard alphabet; padding may be left out, but must be right if it is there. */
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/;

/**
 * The standard key is what `whsec_` stands before, decoded. Where nothing decodable follows, no Standard Webhooks
 * library can use the secret as it is, so it counts as any other text: its UTF-8 bytes, prefix included. The same goes
 * for `whsk_` without a key behind it.
 */
export function signingKeysOf(secret: string): SigningKeys {
  const ed25519 = ed25519KeyOf(secret);
  if (ed25519.kind === "key") return { kind: "ed25519", standard: ed25519.key };
  const legacy = createSecretKey(secret, "utf8");
  const encoded = secret.startsWith(STANDARD_PREFIX) ? secret.slice(STANDARD_PREFIX.length) : "";
  const isDecodable = encoded !== "" && BASE64.test(encoded);
  return { kind: "hmac", legacy, standard: isDecodable ? createSecretKey(encoded, "base64") : legacy };
}
