/** How often the handling of a work item has failed in this process. */

/** Items remembered at once; the longest known one is forgotten for a new one. */
const ITEMS_MAX = 1_000;

export class RepeatedFailures {
  readonly #counts = new Map<string, number>();

  /** @returns how often it has failed by now. */
  count(id: string): number {
    const count = (this.#counts.get(id) ?? 0) + 1;
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined && this.#counts.size >= ITEMS_MAX && count === 1) this.#counts.delete(oldest);
    this.#counts.set(id, count);
    return count;
  }

  forget(id: string): void {
    this.#counts.delete(id);
  }
}
