/**
 * Collects what arrives in one moment into batches. After a pause a batch leaves at once; a busy batcher lets the next one
 * grow while enough are under way, and keeps the interval it is given.
 */

export type BatcherOptions<Item, Answer> = {
  readonly itemsMax: number;
  readonly bytesMax: number;
  readonly sizeOf: (item: Item) => number;
  /** Batches under way at once. */
  readonly inFlightMax: number;
  /** Between the beginnings of two batches, by the size of the former; the first one after a pause does not wait. */
  readonly intervalMsAfter?: (items: number) => number;
  /** Answers in the order of the items. A rejection reaches every item of the batch. */
  readonly send: (items: readonly Item[]) => Promise<readonly Answer[]>;
};

type Entry<Item, Answer> = {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
};

export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>;
  #waiting: Entry<Item, Answer>[] = [];
  #inFlight = 0;
  /** Of the next batch, when it keeps its interval. */
  #timer: NodeJS.Timeout | undefined;
  #isDueNow = false;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #lastItems = 0;

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options;
  }

  /** @param isUrgent it keeps no interval: somebody waits for its answer. */
  add(item: Item, isUrgent = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule(isUrgent);
    });
  }

  #schedule(isUrgent: boolean): void {
    if (this.#isDueNow || this.#inFlight >= this.#options.inFlightMax) return;
    if (this.#timer !== undefined && !isUrgent) return;
    const waitMs = isUrgent ? 0 : this.#lastSentMs + this.#intervalMs() - performance.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#flush(), waitMs);
    } else {
      this.#isDueNow = true;
      setImmediate(() => this.#flush());
    }
  }

  #intervalMs(): number {
    return this.#options.intervalMsAfter?.(this.#lastItems) ?? 0;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDueNow = false;
    this.#lastSentMs = performance.now();
    while (this.#waiting.length > 0 && this.#inFlight < this.#options.inFlightMax) void this.#sendNext();
  }

  async #sendNext(): Promise<void> {
    const entries = this.#cut();
    this.#lastItems = entries.length;
    this.#inFlight += 1;
    try {
      const answers = await this.#options.send(entries.map((entry) => entry.item));
      entries.forEach((entry, index) => {
        const answer = answers[index];
        if (answer === undefined) entry.reject(new Error("the batch was answered with fewer answers than items"));
        else entry.resolve(answer);
      });
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    } finally {
      this.#inFlight -= 1;
      if (this.#waiting.length > 0) this.#schedule(false);
    }
  }

  /** At least one item, however large it is. */
  #cut(): Entry<Item, Answer>[] {
    const { itemsMax, bytesMax, sizeOf } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const { item } of this.#waiting) {
      bytes += sizeOf(item);
      if (count > 0 && (count >= itemsMax || bytes > bytesMax)) break;
      count += 1;
    }
    const entries = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return entries;
  }
}
