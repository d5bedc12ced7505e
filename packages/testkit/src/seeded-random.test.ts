import { expect, test } from "vitest";
import { createSeededRandom } from "./seeded-random.ts";

const COUNT = 10_000;

test("the same seed gives the same numbers, another seed others", () => {
  const numbers = (seed: number): number[] => {
    const random = createSeededRandom(seed);
    return Array.from({ length: 5 }, () => random.next());
  };
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
});

test("numbers fill the range from 0 to below 1 evenly", () => {
  const random = createSeededRandom(1);
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < COUNT; i++) {
    const bucket = Math.floor(random.next() * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  expect(buckets).toHaveLength(10);
  for (const size of buckets) expect(size).toBeGreaterThan(850);
});

test("whole numbers include both ends and nothing beyond", () => {
  const random = createSeededRandom(2);
  const seen = new Set(Array.from({ length: COUNT }, () => random.integer(3, 6)));
  expect([...seen].sort()).toEqual([3, 4, 5, 6]);
});

test("a shuffle keeps every item and leaves the list alone", () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  const shuffled = createSeededRandom(3).shuffle(items);
  expect(shuffled).not.toEqual(items);
  expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
});

test("picking from nothing is refused", () => {
  const random = createSeededRandom(4);
  expect(random.pick(["only"])).toBe("only");
  expect(() => random.pick([])).toThrow("nothing to pick");
});
