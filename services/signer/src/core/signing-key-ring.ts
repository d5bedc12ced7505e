/**
 * Opens sealed secrets and remembers the keys of the most recent ones, so that decryption is not repeated for every
 * attempt. Bounded: beyond its size the ring forgets the secret that was asked for longest ago.
 */

import { type MasterKey, openSecret, type SecretOwner, type UnsealableReason } from "./sealing.ts";
import { type SigningKeys, signingKeysOf } from "./signing-keys.ts";

export type FoundKeys =
  | { readonly kind: "keys"; readonly keys: SigningKeys; readonly wasRemembered: boolean }
  | { readonly kind: "unsealable"; readonly reason: UnsealableReason };

export class SigningKeyRing {
  readonly #masterKey: MasterKey;
  readonly #secretsMax: number;
  /** In the order of use, the most recent last. */
  readonly #remembered = new Map<string, SigningKeys>();

  /** @param options.secretsMax how many secrets are remembered; each takes about 2.7 kB, mostly key objects. */
  constructor(options: { readonly masterKey: MasterKey; readonly secretsMax: number }) {
    this.#masterKey = options.masterKey;
    this.#secretsMax = options.secretsMax;
  }

  /** How many secrets are remembered. */
  get size(): number {
    return this.#remembered.size;
  }

  keysOf(owner: SecretOwner, sealed: Uint8Array): FoundKeys {
    // The owner is part of the name: a ciphertext that was opened for one webhook is not thereby open for another.
    const name = owner.orgId + owner.webhookId + asText(sealed);
    const remembered = this.#remembered.get(name);
    if (remembered !== undefined) {
      this.#remembered.delete(name);
      this.#remembered.set(name, remembered);
      return { kind: "keys", keys: remembered, wasRemembered: true };
    }
    const opened = openSecret(this.#masterKey, owner, sealed);
    if (opened.kind === "unsealable") return opened;
    const keys = signingKeysOf(opened.secret);
    this.#remember(name, keys);
    return { kind: "keys", keys, wasRemembered: false };
  }

  #remember(name: string, keys: SigningKeys): void {
    this.#remembered.set(name, keys);
    if (this.#remembered.size <= this.#secretsMax) return;
    const oldest = this.#remembered.keys().next();
    if (!oldest.done) this.#remembered.delete(oldest.value);
  }
}

/** Byte by byte, so that different bytes are different texts. */
function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
