/** Keeps the beginning of a response body and counts the rest. */

export class ResponseBody {
  readonly #bytesKeptMax: number;
  readonly #chunks: Uint8Array[] = [];
  #bytesKept = 0;
  #bytesRead = 0;

  constructor(bytesKeptMax: number) {
    this.#bytesKeptMax = bytesKeptMax;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get isLongerThanKept(): boolean {
    return this.#bytesRead > this.#bytesKept;
  }

  add(chunk: Uint8Array): void {
    this.#bytesRead += chunk.length;
    if (this.#bytesKept === this.#bytesKeptMax) return;
    const kept = chunk.subarray(0, this.#bytesKeptMax - this.#bytesKept);
    this.#chunks.push(kept);
    this.#bytesKept += kept.length;
  }

  /** A copy: the chunks are views of the socket's much larger buffers. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks, this.#bytesKept);
  }
}
