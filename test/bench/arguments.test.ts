import { expect, it } from "vitest";
import { parseArguments } from "./arguments.ts";
import type { Scenario } from "./scenario.ts";

const scenario = (name: string, isDefault: boolean): Scenario => ({
  name,
  describe: name,
  isDefault,
  run: async () => ({ name, figures: [], costs: undefined }),
});
const SCENARIOS = [
  scenario("sustained-1", true),
  scenario("sustained-10", true),
  scenario("accept-single", false),
  scenario("accept-batch", false),
];

const parse = (...args: string[]) => parseArguments(args, SCENARIOS);
const planOf = (...args: string[]) => {
  const parsed = parse(...args);
  if (parsed.kind !== "run") throw new Error(`not a plan: ${JSON.stringify(parsed)}`);
  return { ...parsed.plan, scenarios: parsed.plan.scenarios.map(({ name }) => name) };
};
const ALL = SCENARIOS.map(({ name }) => name);

it("runs the scenarios that run by default, at full size, and writes bench.json", () => {
  expect(planOf()).toEqual({
    scenarios: ["sustained-1", "sustained-10"],
    size: "full",
    amounts: { webhooks: 100_000, historyRows: 1_000_000, backlogEvents: 500_000, dispatchers: 2 },
    compare: undefined,
    output: "bench.json",
  });
});

it.each([
  [["--all"], ALL],
  [["--only", "sustained-1"], ["sustained-1"]],
  [
    ["--only", "accept"],
    ["accept-single", "accept-batch"],
  ],
  // They run in the order of the list: later ones refer to earlier ones.
  [
    ["--only", "accept-batch, sustained"],
    ["sustained-1", "sustained-10", "accept-batch"],
  ],
])("%j runs %j", (args, names) => {
  expect(planOf(...args).scenarios).toEqual(names);
});

it("takes sizes and amounts", () => {
  expect(planOf("--quick", "--history-rows", "10000000", "--dispatchers=3")).toMatchObject({
    size: "quick",
    amounts: { historyRows: 10_000_000, backlogEvents: 50_000, dispatchers: 3 },
  });
});

it("compares with another version in rounds, and leaves bench.json alone then", () => {
  expect(planOf("--compare", "HEAD~1", "--rounds", "5")).toMatchObject({
    compare: { ref: "HEAD~1", rounds: 5 },
    output: undefined,
  });
});

it("lists the scenarios", () => {
  expect(parse("--list")).toEqual({ kind: "list" });
});

it.each([
  [["--only", "sustain"], /no scenario "sustain"; there are sustained-1, sustained-10, accept-single, accept-batch\.$/],
  [["--webhooks", "0"], /"0" is not a whole number from 1 to 100000000\.$/],
  [["--rounds", "many"], /"many" is not a whole number/],
  [["--fast"], /--fast/],
  [["sustained-1"], /sustained-1/],
])("refuses %j", (args, message) => {
  expect(parse(...args)).toEqual({ kind: "refused", message: expect.stringMatching(message) });
});
