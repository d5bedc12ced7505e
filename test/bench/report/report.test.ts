import { expect, it } from "vitest";
import type { Figure } from "../scenario.ts";
import { circumstances, measured } from "./report.fixture.ts";
import { makeReport } from "./report.ts";

const figuresOf = (...figures: Figure[]) =>
  makeReport(circumstances, { ...measured, results: [{ name: "one", figures, costs: undefined }] }).results[0]?.figures;

it("compares with the better of the two bare loops, of each kind of key", () => {
  expect(makeReport(circumstances, measured).bareLoop.best).toEqual({ bytes: 12_000, object: 30_000 });
});

it("gives every rate, and nothing else, its ratio to the bare loop", () => {
  const rate: Figure = { name: "rate", value: 3_000, unit: "/s" };
  const time: Figure = { name: "time", value: 3_000, unit: "ms" };
  expect(figuresOf(rate, time)).toEqual([{ ...rate, ratio: { bytes: 0.25, object: 0.1 } }, time]);
});

it.each([
  [{ kind: "at-least", value: 3_000 }, true],
  [{ kind: "at-least", value: 3_001 }, false],
  [{ kind: "at-most", value: 3_000 }, true],
  [{ kind: "at-most", value: 2_999 }, false],
  [{ kind: "ratio-at-least", value: 0.25 }, true],
  [{ kind: "ratio-at-least", value: 0.26 }, false],
] as const)("says of a rate of 3,000 and the aim %o: %s", (aim, isMet) => {
  expect(figuresOf({ name: "rate", value: 3_000, unit: "/s", aim })).toMatchObject([{ isMet }]);
});

it("meets no aim without a value", () => {
  const aim = { kind: "at-most", value: 30 } as const;
  expect(figuresOf({ name: "time", value: Number.NaN, unit: "ms", aim })).toMatchObject([{ isMet: false }]);
});
