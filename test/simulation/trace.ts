/** What happened in a run, line by line, for whoever looks into a seed; nothing is kept when nobody does. */

import type { VirtualTime } from "./virtual-time.ts";

export class Trace {
  readonly #time: VirtualTime;
  readonly #startMs: number;
  readonly #write: ((line: string) => void) | undefined;

  /** @param write undefined: nobody looks. */
  constructor(time: VirtualTime, write: ((line: string) => void) | undefined) {
    this.#time = time;
    this.#startMs = time.nowMs;
    this.#write = write;
  }

  add(line: () => string): void {
    if (this.#write === undefined) return;
    const atS = ((this.#time.nowMs - this.#startMs) / 1_000).toFixed(3).padStart(9);
    this.#write(`${atS}  ${line()}`);
  }
}
