/** Items that wait for their slot, the earliest first. */

type Timed<Entry> = { readonly atMs: number; readonly entry: Entry };

export class SlotTimes<Entry> {
  /** The latest first: what is due is taken from the end. */
  #timed: Timed<Entry>[] = [];

  get size(): number {
    return this.#timed.length;
  }

  /** When the earliest is due; undefined when nothing waits. */
  get nextAtMs(): number | undefined {
    return this.#timed.at(-1)?.atMs;
  }

  /** Items of the same moment stay in the order in which they came. */
  add(atMs: number, entry: Entry): void {
    let [low, high] = [0, this.#timed.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timed[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    this.#timed.splice(low, 0, { atMs, entry });
  }

  /** Takes out what is due. */
  takeDue(nowMs: number): Entry[] {
    const due: Entry[] = [];
    for (let last = this.#timed.at(-1); last !== undefined && last.atMs <= nowMs; last = this.#timed.at(-1)) {
      due.push(last.entry);
      this.#timed.pop();
    }
    return due;
  }

  drain(): Entry[] {
    const all = this.#timed.map(({ entry }) => entry).reverse();
    this.#timed = [];
    return all;
  }

  *entries(): Generator<Entry, void> {
    for (const { entry } of this.#timed) yield entry;
  }
}
