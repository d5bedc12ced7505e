/**
 * Opens sealed secrets and remembers the keys of the most recent ones, so that decryption is not repeated for every
 * attempt. Bounded: beyond its size the ring forgets the secret that was asked for longest ago.
 */

import { Remembered, rememberedAs } from "./remembered.ts";
import { type MasterKey, openSecret, type SecretOwner, type UnsealableReason } from "./sealing.ts";
import { type SigningKeys, signingKeysOf } from "./signing-keys.ts";

export type FoundKeys =
  | { readonly kind: "keys"; readonly keys: SigningKeys; readonly wasRemembered: boolean }
  | { readonly kind: "unsealable"; readonly reason: UnsealableReason };

export class SigningKeyRing {
  readonly #masterKey: MasterKey;
  readonly #remembered: Remembered<SigningKeys>;
  /** What was asked for last: most items of a batch have the secret of the one before, which costs no look-up. */
  #latest: { readonly owner: SecretOwner; readonly sealed: Uint8Array; readonly keys: SigningKeys } | undefined;

  /** @param options.secretsMax how many secrets are remembered; each takes about 2.7 kB, mostly key objects. */
  constructor(options: { readonly masterKey: MasterKey; readonly secretsMax: number }) {
    this.#masterKey = options.masterKey;
    this.#remembered = new Remembered(options.secretsMax);
  }

  /** How many secrets are remembered. */
  get size(): number {
    return this.#remembered.size;
  }

  keysOf(owner: SecretOwner, sealed: Uint8Array): FoundKeys {
    if (this.#latest !== undefined && isSame(this.#latest, owner, sealed)) {
      return { kind: "keys", keys: this.#latest.keys, wasRemembered: true };
    }
    const found = this.#lookUp(owner, sealed);
    if (found.kind === "keys") this.#latest = { owner, sealed: Buffer.from(sealed), keys: found.keys };
    return found;
  }

  #lookUp(owner: SecretOwner, sealed: Uint8Array): FoundKeys {
    const name = rememberedAs(owner, sealed);
    const remembered = this.#remembered.recall(name);
    if (remembered !== undefined) return { kind: "keys", keys: remembered, wasRemembered: true };
    const opened = openSecret(this.#masterKey, { ...owner, purpose: "signing" }, sealed);
    if (opened.kind === "unsealable") return opened;
    const keys = signingKeysOf(opened.secret);
    this.#remembered.remember(name, keys, 1);
    return { kind: "keys", keys, wasRemembered: false };
  }
}

function isSame(
  latest: { readonly owner: SecretOwner; readonly sealed: Uint8Array },
  { orgId, webhookId }: SecretOwner,
  sealed: Uint8Array,
): boolean {
  const { owner } = latest;
  return owner.webhookId === webhookId && owner.orgId === orgId && Buffer.compare(latest.sealed, sealed) === 0;
}
