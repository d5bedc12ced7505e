/** A bounded memory of what was in ciphertexts: beyond its weight it forgets what was asked for longest ago. */

import type { SecretOwner } from "./sealing.ts";

export class Remembered<Value> {
  readonly #weightMax: number;
  /** In the order of use, the most recent last. */
  readonly #entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  #weight = 0;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  recall(name: string): Value | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.value;
  }

  /** @param name one that is not remembered. */
  remember(name: string, value: Value, weight: number): void {
    this.#entries.set(name, { value, weight });
    this.#weight += weight;
    for (const [oldest, entry] of this.#entries) {
      if (this.#weight <= this.#weightMax) return;
      this.#entries.delete(oldest);
      this.#weight -= entry.weight;
    }
  }
}

/** The owner is part of the name: a ciphertext that was opened for one webhook is not thereby open for another. */
export function rememberedAs(owner: SecretOwner, sealed: Uint8Array): string {
  // Byte by byte, so that different bytes are different texts.
  const text = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString("latin1");
  return owner.orgId + owner.webhookId + text;
}
