import { expect, it } from "vitest";
import { RepeatedFailures } from "./repeated-failures.ts";

it("counts the failures of each item until it is forgotten", () => {
  const failures = new RepeatedFailures();
  expect([failures.count("a"), failures.count("b"), failures.count("a")]).toEqual([1, 1, 2]);
  failures.forget("a");
  expect(failures.count("a")).toBe(1);
});

it("remembers so many items, and the last ones", () => {
  const failures = new RepeatedFailures();
  for (let item = 0; item <= 1_000; item++) failures.count(`${item}`);
  expect(failures.count("1000")).toBe(2);
  expect(failures.count("0")).toBe(1);
});
