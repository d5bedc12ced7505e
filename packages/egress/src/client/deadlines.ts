/**
 * All running deadlines behind one timer: a timer of its own would cost a POST another 1.5 µs of its 22. The price is
 * that a deadline may ring up to a tick late. It never rings early.
 */

export interface Expiring {
  /** Must not throw. */
  onDeadline(): void;
}

const TICK_MS = 20;
/** A ring that comes this much late tells that the process did not run: it was frozen, or had no processor. */
const LATE_TICKS = 5;

export class Deadlines implements Disposable {
  readonly #nowMs: () => number;
  readonly #due = new Map<number, Set<Expiring>>();
  #running = 0;
  #lastTick = 0;
  /** Rings after what came meanwhile was read. */
  #soon: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param nowMs monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(expiring: Expiring, atMs: number): void {
    if (this.#timer === undefined) {
      this.#lastTick = Math.floor(this.#nowMs() / TICK_MS);
      this.#timer = setInterval(() => this.#onTick(), TICK_MS);
    }
    const tick = tickOf(atMs);
    const due = this.#due.get(tick);
    if (due === undefined) this.#due.set(tick, new Set([expiring]));
    else due.add(expiring);
    this.#running += 1;
  }

  /** @param atMs as it was added. Does nothing when the deadline has rung. */
  cancel(expiring: Expiring, atMs: number): void {
    if (this.#due.get(tickOf(atMs))?.delete(expiring)) this.#running -= 1;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearImmediate(this.#soon);
    this.#soon = undefined;
    this.#timer = undefined;
    this.#due.clear();
    this.#running = 0;
  }

  /** Answers that came while the process did not run are read before anybody is told that none came. */
  #onTick(): void {
    if (this.#soon !== undefined) return;
    const lateTicks = Math.floor(this.#nowMs() / TICK_MS) - this.#lastTick;
    if (lateTicks <= LATE_TICKS) this.#ring();
    else this.#soon = setImmediate(() => this.#ring());
  }

  #ring(): void {
    this.#soon = undefined;
    const nowTick = Math.floor(this.#nowMs() / TICK_MS);
    while (this.#lastTick < nowTick) {
      this.#lastTick += 1;
      const due = this.#due.get(this.#lastTick);
      if (due === undefined) continue;
      this.#due.delete(this.#lastTick);
      this.#running -= due.size;
      for (const expiring of due) expiring.onDeadline();
    }
    if (this.#running === 0) this[Symbol.dispose]();
  }
}

/** The first tick that is not before the moment. */
function tickOf(atMs: number): number {
  return Math.ceil(atMs / TICK_MS);
}
