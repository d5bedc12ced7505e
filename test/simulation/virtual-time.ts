/**
 * Time that only moves when nothing is left to do at its present moment. Everything that happens is an event in one
 * queue and belongs to an actor: the world, or one process, which can be killed or frozen between any two events.
 */

export type Actor = { readonly name: string; isDead: boolean; frozenUntilMs: number };

/** Brokers, receivers and wires: they run none of the code under test. */
export const WORLD: Actor = { name: "world", isDead: false, frozenUntilMs: 0 };

type Happening = {
  atMs: number;
  readonly order: number;
  readonly actor: Actor;
  readonly act: () => void;
  isCancelled: boolean;
};

export type Cancellable = { isCancelled: boolean };

type Interval = { readonly actor: Actor; readonly periodMs: number; readonly act: () => void; dueAtMs: number };

/** Intervals are looked at this often; one that comes late is what a busy process sees as well. */
const TICK_MS = 1_000;
/** While nothing else is to happen soon. */
const IDLE_TICK_MS = 2_000;

export class VirtualTime {
  nowMs: number;
  /** Whoever runs just now: what it starts is its own. */
  current: Actor = WORLD;
  readonly #queue: Happening[] = [];
  readonly #intervals = new Set<Interval>();
  readonly #soon = new Map<Actor, (Cancellable & { readonly act: () => void })[]>();
  #order = 0;
  #tickAtMs: number;
  /** Told at every tick, before the intervals. */
  onTick: () => void = () => {};

  constructor(startMs: number) {
    this.nowMs = startMs;
    this.#tickAtMs = startMs + TICK_MS;
  }

  at(atMs: number, actor: Actor, act: () => void): Cancellable {
    this.#order += 1;
    const happening = { atMs: Math.max(atMs, this.nowMs), order: this.#order, actor, act, isCancelled: false };
    this.#push(happening);
    return happening;
  }

  after(delayMs: number, actor: Actor, act: () => void): Cancellable {
    return this.at(this.nowMs + Math.max(0, delayMs), actor, act);
  }

  /** Whatever else an actor asks for in the same moment happens together with it. */
  soon(actor: Actor, act: () => void): Cancellable {
    const task = { act, isCancelled: false };
    const known = this.#soon.get(actor);
    if (known !== undefined) {
      known.push(task);
      return task;
    }
    const tasks = [task];
    this.#soon.set(actor, tasks);
    this.after(0, actor, () => {
      this.#soon.delete(actor);
      for (const one of tasks) if (!one.isCancelled) one.act();
    });
    return task;
  }

  every(periodMs: number, actor: Actor, act: () => void): Interval {
    const interval = { actor, periodMs, act, dueAtMs: this.nowMs + periodMs };
    this.#intervals.add(interval);
    return interval;
  }

  stop(interval: Interval): void {
    this.#intervals.delete(interval);
  }

  /** Nothing of it ever runs again. */
  kill(actor: Actor): void {
    actor.isDead = true;
    for (const interval of this.#intervals) if (interval.actor === actor) this.#intervals.delete(interval);
  }

  /**
   * Lets things happen, one by one, until `isOver`. Between two events of processes all promises that can settle do:
   * a tick that is asked for by a microtask comes when no microtask is left.
   */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        this.current = WORLD;
        try {
          while (this.current === WORLD) {
            if (isOver()) return resolve();
            this.#next();
          }
        } catch (error) {
          return reject(error);
        }
        queueMicrotask(() => process.nextTick(step));
      };
      step();
    });
  }

  #next(): void {
    const first = this.#queue[0];
    const isQuiet = first === undefined || first.atMs > this.nowMs + IDLE_TICK_MS;
    if (first === undefined || first.atMs > this.#tickAtMs) {
      this.nowMs = isQuiet ? Math.max(this.#tickAtMs, this.nowMs + IDLE_TICK_MS) : this.#tickAtMs;
      this.#tick();
      return;
    }
    this.#pop();
    if (first.isCancelled || first.actor.isDead) return;
    if (first.actor.frozenUntilMs > Math.max(this.nowMs, first.atMs)) {
      first.atMs = first.actor.frozenUntilMs;
      this.#push(first);
      return;
    }
    this.nowMs = Math.max(this.nowMs, first.atMs);
    this.current = first.actor;
    first.act();
  }

  #tick(): void {
    this.#tickAtMs = this.nowMs + TICK_MS;
    this.onTick();
    const due = new Map<Actor, Interval[]>();
    for (const interval of this.#intervals) {
      if (interval.dueAtMs > this.nowMs) continue;
      interval.dueAtMs = Number.POSITIVE_INFINITY;
      const ofActor = due.get(interval.actor);
      if (ofActor === undefined) due.set(interval.actor, [interval]);
      else ofActor.push(interval);
    }
    for (const [actor, intervals] of due) this.after(0, actor, () => this.#fire(intervals));
  }

  #fire(intervals: readonly Interval[]): void {
    for (const interval of intervals) {
      if (!this.#intervals.has(interval)) continue;
      interval.dueAtMs = this.nowMs + interval.periodMs;
      interval.act();
    }
  }

  #push(happening: Happening): void {
    const queue = this.#queue;
    let at = queue.length;
    queue.push(happening);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = queue[above];
      if (parent === undefined || !isBefore(happening, parent)) break;
      queue[at] = parent;
      at = above;
    }
    queue[at] = happening;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop();
    if (last === undefined || queue.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = queue[below];
      const right = queue[below + 1];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        below += 1;
        child = right;
      }
      if (!isBefore(child, last)) break;
      queue[at] = child;
      at = below;
    }
    queue[at] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
