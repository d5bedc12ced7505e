/** The tests under way: no more than a few at once, and none is forgotten when the process stops. */

import { setTimeout } from "node:timers/promises";

export class RunningTests {
  readonly #running = new Set<Promise<unknown>>();
  readonly #max: number;
  #isStopping = false;

  /** @param max how many may be under way at once. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Why no test may begin now. */
  get closed(): "busy" | "stopping" | undefined {
    if (this.#isStopping) return "stopping";
    return this.#running.size >= this.#max ? "busy" : undefined;
  }

  async run<Result>(test: () => Promise<Result>): Promise<Result> {
    const running = test();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Lets no other begin, and waits for those under way, but no longer than this. */
  async stop(waitMs: number): Promise<void> {
    this.#isStopping = true;
    if (this.#running.size === 0) return;
    await Promise.race([Promise.allSettled(this.#running), setTimeout(waitMs, undefined, { ref: false })]);
  }
}
