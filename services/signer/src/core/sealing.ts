/**
 * Seals secrets for storage outside the signer and opens them again: AES-256-GCM, bound to organisation, webhook and
 * purpose, so that a ciphertext that was moved to another webhook, or to another use, does not open. Randomness comes in
 * as an argument.
 *
 * Layout: version (1 byte), id of the master key (4), nonce (12), tag (16), ciphertext. Version and key id are there so
 * that a later signer can tell what to open a ciphertext with.
 */

import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject } from "node:crypto";
import type { OrgId, WebhookId } from "@posthorn/domain";

export const MASTER_KEY_BYTES = 32;
/** 96 bits, the size that GCM is made for; random ones are safe for four billion seals under one key. */
export const NONCE_BYTES = 12;

const VERSION = 1;
const KEY_ID_BYTES = 4;
const TAG_BYTES = 16;
const NONCE_AT = 1 + KEY_ID_BYTES;
const TAG_AT = NONCE_AT + NONCE_BYTES;
const CIPHERTEXT_AT = TAG_AT + TAG_BYTES;
const CIPHER = "aes-256-gcm";

export type MasterKey = {
  /** Names the key without telling anything about it. */
  readonly id: Buffer;
  readonly key: KeyObject;
};

/** Whose secret it is. */
export type SecretOwner = { readonly orgId: OrgId; readonly webhookId: WebhookId };

/** What a secret may be used for: to sign, as a bearer token, or as custom headers. */
export type SealPurpose = "signing" | "token" | "headers";

/** All that a ciphertext is bound to. */
export type SealBinding = SecretOwner & { readonly purpose: SealPurpose };

export type UnsealableReason = "malformed" | "unknown_version" | "other_master_key" | "not_authentic";

export type OpenedSecret =
  | { readonly kind: "opened"; readonly secret: string }
  | { readonly kind: "unsealable"; readonly reason: UnsealableReason };

/** For people who operate the engine; nothing of a secret stands in them. */
export const UNSEALABLE_WORDS: Readonly<Record<UnsealableReason, string>> = {
  malformed: "a sealed secret is too short to be one",
  unknown_version: "a sealed secret is of a version that this signer does not know",
  other_master_key: "a sealed secret was sealed with another master key",
  not_authentic: "a sealed secret was changed, is another webhook's, or was sealed for another purpose",
};

/** @param bytes exactly 32 random bytes. */
export function masterKeyOf(bytes: Uint8Array): MasterKey {
  const id = createHash("sha256").update("posthorn master key id").update(bytes).digest().subarray(0, KEY_ID_BYTES);
  return { id, key: createSecretKey(bytes) };
}

/** @param nonce 12 random bytes, never used before under this key. */
export function sealSecret(masterKey: MasterKey, binding: SealBinding, secret: string, nonce: Uint8Array): Buffer {
  const header = Buffer.from([VERSION, ...masterKey.id]);
  const cipher = createCipheriv(CIPHER, masterKey.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(header, binding));
  const ciphertext = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return Buffer.concat([header, nonce, cipher.getAuthTag(), ciphertext]);
}

/** Never throws, whatever the bytes are. */
export function openSecret(masterKey: MasterKey, binding: SealBinding, sealed: Uint8Array): OpenedSecret {
  if (sealed.length <= CIPHERTEXT_AT) return { kind: "unsealable", reason: "malformed" };
  if (sealed[0] !== VERSION) return { kind: "unsealable", reason: "unknown_version" };
  const header = sealed.subarray(0, NONCE_AT);
  if (!masterKey.id.equals(header.subarray(1))) return { kind: "unsealable", reason: "other_master_key" };
  const nonce = sealed.subarray(NONCE_AT, TAG_AT);
  const decipher = createDecipheriv(CIPHER, masterKey.key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(header, binding));
  decipher.setAuthTag(sealed.subarray(TAG_AT, CIPHERTEXT_AT));
  const start = decipher.update(sealed.subarray(CIPHERTEXT_AT));
  try {
    return { kind: "opened", secret: Buffer.concat([start, decipher.final()]).toString() };
  } catch {
    // `final` throws for one reason only: the tag does not fit.
    return { kind: "unsealable", reason: "not_authentic" };
  }
}

/**
 * Every part is preceded by its length, so that no two bindings give the same bytes. Signing secrets, the only ones that
 * the first ciphertexts held, name no purpose.
 */
function boundTo(header: Uint8Array, { orgId, webhookId, purpose }: SealBinding): Buffer {
  const parts = purpose === "signing" ? [orgId, webhookId] : [orgId, webhookId, purpose];
  return Buffer.concat([header, ...parts.flatMap(withLength)]);
}

function withLength(text: string): [length: Buffer, bytes: Buffer] {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}
