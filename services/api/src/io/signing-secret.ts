/**
 * Signing secrets as texts. HMAC: any text, or `whsec_` before the base64 of the key, as Standard Webhooks writes it.
 * Ed25519: `whsk_` before the base64 of seed and public key, of which receivers get the second as `whpk_`.
 */

import { createPrivateKey, createPublicKey } from "node:crypto";
import type { Signing } from "../core/signing.ts";

export type SigningSecret = {
  readonly secret: string;
  /** What receivers verify with; undefined: the secret itself. */
  readonly publicKey: string | undefined;
};

/** Of a new HMAC key, and of the seed of a new pair of keys. */
export const SECRET_RANDOM_BYTES = 32;

const SEED_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const HMAC_PREFIX = "whsec_";
const PRIVATE_PREFIX = "whsk_";
const PUBLIC_PREFIX = "whpk_";
/** What stands before the seed in the PKCS #8 form of an Ed25519 key (RFC 8410), and before the key in the SPKI form. */
const PKCS8_BEFORE_SEED = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_BYTES_BEFORE_KEY = 12;

export const PRIVATE_KEY_RULE =
  "must be whsk_ and the base64 of 64 bytes, an Ed25519 seed and its public key, because signing is ed25519";

/** @param random `SECRET_RANDOM_BYTES` bytes, fit for secrets. */
export function newSigningSecret(signing: Signing, random: Buffer): SigningSecret {
  if (signing === "hmac") return { secret: HMAC_PREFIX + random.toString("base64"), publicKey: undefined };
  const publicKey = publicKeyOf(random);
  return {
    secret: PRIVATE_PREFIX + Buffer.concat([random, publicKey]).toString("base64"),
    publicKey: shown(publicKey),
  };
}

export type ReadSigningSecret =
  | ({ readonly kind: "sound" } & SigningSecret)
  /** In words that do not repeat it. */
  | { readonly kind: "unfit"; readonly message: string };

/** A secret that somebody gave, under the webhook's way of signing. */
export function readSigningSecret(signing: Signing, secret: string): ReadSigningSecret {
  const isPrivateKey = secret.startsWith(PRIVATE_PREFIX);
  if (signing === "hmac") {
    if (!isPrivateKey) return { kind: "sound", secret, publicKey: undefined };
    return { kind: "unfit", message: "must not begin with whsk_, which is for the keys of signing ed25519" };
  }
  const encoded = isPrivateKey ? secret.slice(PRIVATE_PREFIX.length) : "";
  const bytes = Buffer.from(encoded, "base64");
  const isWhole = bytes.length === SEED_BYTES + PUBLIC_KEY_BYTES && bytes.toString("base64") === encoded;
  if (!isWhole) return { kind: "unfit", message: PRIVATE_KEY_RULE };
  const publicKey = publicKeyOf(bytes.subarray(0, SEED_BYTES));
  if (!publicKey.equals(bytes.subarray(SEED_BYTES))) return { kind: "unfit", message: PRIVATE_KEY_RULE };
  return { kind: "sound", secret, publicKey: shown(publicKey) };
}

/** @param random of a new one, if none was given; `SECRET_RANDOM_BYTES` bytes. */
export function givenOrNewSecret(
  signing: Signing,
  given: string | null | undefined,
  random: Buffer,
): ReadSigningSecret {
  if (given !== undefined && given !== null) return readSigningSecret(signing, given);
  return { kind: "sound", ...newSigningSecret(signing, random) };
}

function publicKeyOf(seed: Buffer): Buffer {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_BEFORE_SEED, seed]),
    format: "der",
    type: "pkcs8",
  });
  return createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(SPKI_BYTES_BEFORE_KEY);
}

function shown(publicKey: Buffer): string {
  return PUBLIC_PREFIX + publicKey.toString("base64");
}
