/** Reads an ed25519 secret as Standard Webhooks writes it: `whsk_` and 64 bytes in base64, the seed and the public key. */

import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

export type Ed25519Key =
  /** The private key. */
  | { readonly kind: "key"; readonly key: KeyObject }
  /** Meant to be one, and is none. */
  | { readonly kind: "malformed" }
  /** A secret of another kind. */
  | { readonly kind: "other" };

export const ED25519_PREFIX = "whsk_";
const SEED_BYTES = 32;
/** Of 64 bytes, padded as the standard alphabet is. */
const BASE64_OF_64_BYTES = /^[A-Za-z0-9+/]{85}[AQgw]==$/;

export function ed25519KeyOf(secret: string): Ed25519Key {
  if (!secret.startsWith(ED25519_PREFIX)) return { kind: "other" };
  const encoded = secret.slice(ED25519_PREFIX.length);
  if (!BASE64_OF_64_BYTES.test(encoded)) return { kind: "malformed" };
  const bytes = Buffer.from(encoded, "base64");
  const d = bytes.subarray(0, SEED_BYTES).toString("base64url");
  const x = bytes.subarray(SEED_BYTES).toString("base64url");
  const key = createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", d, x }, format: "jwk" });
  // Node takes the seed at its word: with another's public key receivers would refuse every signature.
  return createPublicKey(key).export({ format: "jwk" }).x === x ? { kind: "key", key } : { kind: "malformed" };
}
