/** Random numbers that are the same for the same seed, so that a failure can be repeated. */

export interface SeededRandom {
  readonly seed: number;
  /** At least 0, below 1; stands in for Math.random. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** One of the items; throws when there are none. */
  pick<T>(items: readonly T[]): T;
  /** A new list in another order. */
  shuffle<T>(items: readonly T[]): T[];
}

/** The generator is mulberry32: 32 bits of state, good enough to vary tests, useless for secrets. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  function integer(min: number, max: number): number {
    return min + Math.floor(next() * (max - min + 1));
  }

  function pick<T>(items: readonly T[]): T {
    const [item] = items.slice(integer(0, items.length - 1));
    if (items.length === 0) throw new Error("there is nothing to pick from");
    return item as T; // the index is within the list, which is not empty
  }

  function shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: next() }))
      .sort((left, right) => left.key - right.key)
      .map(({ item }) => item);
  }

  return { seed, next, integer, pick, shuffle };
}
