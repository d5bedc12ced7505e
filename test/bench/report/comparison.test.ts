import { expect, it } from "vitest";
import type { ScenarioResult } from "../scenario.ts";
import { compareRounds, printComparison } from "./comparison.ts";

const result = (name: string, perSecond: number, cpuMicros: number): ScenarioResult => ({
  name,
  figures: [{ name: "deliveries", value: perSecond, unit: "/s" }],
  costs: { per: "delivery", byProcess: { matcher: { cpuMicros, cpuPercent: 10, memoryMb: 100 } } },
});

it("puts the values of both versions side by side, and CPU time with them", () => {
  const rounds = [
    { base: [result("a", 100, 40)], changed: [result("a", 110, 30)] },
    { base: [result("a", 90, 44)], changed: [result("a", 120, 33)] },
  ];
  expect(compareRounds(rounds)).toEqual([
    { scenario: "a", figure: "deliveries", unit: "/s", base: [100, 90], changed: [110, 120] },
    { scenario: "a", figure: "CPU of matcher per delivery", unit: "µs", base: [40, 44], changed: [30, 33] },
  ]);
});

it("leaves out what only one version has", () => {
  expect(compareRounds([{ base: [result("a", 1, 1)], changed: [result("b", 1, 1)] }])).toEqual([]);
});

it("prints the middle of the rounds and how it changed", () => {
  const figures = [
    { scenario: "a", figure: "deliveries", unit: "/s", base: [100, 90, 300], changed: [110, 120, 130] },
    { scenario: "a", figure: "CPU of matcher per delivery", unit: "µs", base: [40], changed: [30] },
    { scenario: "b", figure: "memory", unit: "MB", base: [0], changed: [3] },
  ] as const;
  expect(printComparison(figures)).toEqual([
    "scenario  figure                           there  here  change  all rounds there  all rounds here",
    "--------  ---------------------------  --  -----  ----  ------  ----------------  ---------------",
    "a         deliveries                   /s    100   120  +20.0%  100 90 300        110 120 130",
    "          CPU of matcher per delivery  µs     40    30  -25.0%  40                30",
    "b         memory                       MB      0     3          0                 3",
  ]);
});
