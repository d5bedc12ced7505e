/**
 * Opens the sealed token and the sealed headers of webhooks and remembers the most recent ones. Bounded by their bytes,
 * for custom headers may be long.
 */

import { customHeaders, tokenHeader } from "./extra-headers.ts";
import { Remembered, rememberedAs } from "./remembered.ts";
import { type MasterKey, openSecret, type SecretOwner, UNSEALABLE_WORDS } from "./sealing.ts";
import type { SignatureHeader } from "./sign-attempt.ts";

export type FoundHeaders =
  | { readonly kind: "headers"; readonly headers: readonly SignatureHeader[]; readonly wasRemembered: boolean }
  /** Holds nothing of what was sealed. */
  | { readonly kind: "unsealable"; readonly reason: string };

export class ExtraHeaderRing {
  readonly #masterKey: MasterKey;
  readonly #remembered: Remembered<readonly SignatureHeader[]>;

  /** @param options.bytesMax of the ciphertexts whose contents are remembered. */
  constructor(options: { readonly masterKey: MasterKey; readonly bytesMax: number }) {
    this.#masterKey = options.masterKey;
    this.#remembered = new Remembered(options.bytesMax);
  }

  /** How many ciphertexts are remembered. */
  get size(): number {
    return this.#remembered.size;
  }

  /** @param purpose what the ciphertext has to have been sealed for. */
  headersOf(owner: SecretOwner, purpose: "token" | "headers", sealed: Uint8Array): FoundHeaders {
    const name = purpose + rememberedAs(owner, sealed);
    const remembered = this.#remembered.recall(name);
    if (remembered !== undefined) return { kind: "headers", headers: remembered, wasRemembered: true };
    const opened = openSecret(this.#masterKey, { ...owner, purpose }, sealed);
    if (opened.kind === "unsealable") return { kind: "unsealable", reason: UNSEALABLE_WORDS[opened.reason] };
    const headers = purpose === "token" ? [tokenHeader(opened.secret)] : customHeaders(opened.secret);
    if (headers === undefined)
      return { kind: "unsealable", reason: "sealed headers are no object of names and values" };
    this.#remembered.remember(name, headers, sealed.length);
    return { kind: "headers", headers, wasRemembered: false };
  }
}
