/** The command line of `npm run bench`. */

import { parseArgs } from "node:util";
import type { Amounts, Scenario, Size } from "./scenario.ts";

export type BenchArguments =
  | { readonly kind: "list" }
  | { readonly kind: "run"; readonly plan: BenchPlan }
  | { readonly kind: "refused"; readonly message: string };

export type BenchPlan = {
  readonly scenarios: readonly Scenario[];
  readonly size: Size;
  readonly amounts: Amounts;
  /** The git commit, branch or tag to measure alternately with this version, and how often. */
  readonly compare: { readonly ref: string; readonly rounds: number } | undefined;
  /** Where the report is written; a comparison is only printed unless a file is named. */
  readonly output: string | undefined;
};

const OPTIONS = {
  list: { type: "boolean", default: false },
  only: { type: "string" },
  all: { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
  smoke: { type: "boolean", default: false },
  compare: { type: "string" },
  rounds: { type: "string" },
  output: { type: "string" },
  webhooks: { type: "string" },
  "history-rows": { type: "string" },
  "backlog-events": { type: "string" },
  dispatchers: { type: "string" },
} as const;

type Values = ReturnType<typeof parse>;

const AMOUNTS: Readonly<Record<Size, Amounts>> = {
  full: { webhooks: 100_000, historyRows: 1_000_000, backlogEvents: 500_000, dispatchers: 2 },
  quick: { webhooks: 20_000, historyRows: 200_000, backlogEvents: 50_000, dispatchers: 2 },
  smoke: { webhooks: 500, historyRows: 2_000, backlogEvents: 1_000, dispatchers: 2 },
};
const ROUNDS: Readonly<Record<Size, number>> = { full: 3, quick: 3, smoke: 1 };
const AMOUNT_MAX = 100_000_000;
const DEFAULT_OUTPUT = "bench.json";

/** Refuses in one sentence what it does not understand. */
export function parseArguments(args: readonly string[], scenarios: readonly Scenario[]): BenchArguments {
  let values: Values;
  try {
    values = parse(args);
  } catch (error) {
    return { kind: "refused", message: error instanceof Error ? error.message : String(error) };
  }
  if (values.list) return { kind: "list" };
  const size: Size = values.smoke ? "smoke" : values.quick ? "quick" : "full";
  const chosen = choose(values, scenarios);
  if (chosen.kind === "refused") return chosen;
  const numbers = readNumbers(values, { ...AMOUNTS[size], rounds: ROUNDS[size] });
  if (numbers.kind === "refused") return numbers;
  const { rounds, ...amounts } = numbers.numbers;
  const compare = values.compare === undefined ? undefined : { ref: values.compare, rounds };
  const output = values.output ?? (compare === undefined ? DEFAULT_OUTPUT : undefined);
  return { kind: "run", plan: { scenarios: chosen.scenarios, size, amounts, compare, output } };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS }).values;
}

type Chosen =
  | { readonly kind: "chosen"; readonly scenarios: readonly Scenario[] }
  | { readonly kind: "refused"; readonly message: string };

/** "accept" stands for every scenario whose name begins with "accept-". */
function choose({ only, all }: Values, scenarios: readonly Scenario[]): Chosen {
  if (only === undefined) return { kind: "chosen", scenarios: scenarios.filter(({ isDefault }) => all || isDefault) };
  const wanted = only.split(",").map((name) => name.trim());
  const isWanted = (scenario: Scenario, name: string) => scenario.name === name || scenario.name.startsWith(`${name}-`);
  const unknown = wanted.find((name) => !scenarios.some((scenario) => isWanted(scenario, name)));
  if (unknown !== undefined) {
    const names = scenarios.map(({ name }) => name).join(", ");
    return { kind: "refused", message: `There is no scenario "${unknown}"; there are ${names}.` };
  }
  return {
    kind: "chosen",
    scenarios: scenarios.filter((scenario) => wanted.some((name) => isWanted(scenario, name))),
  };
}

type Numbers = Amounts & { readonly rounds: number };
type ReadNumbers =
  | { readonly kind: "read"; readonly numbers: Numbers }
  | { readonly kind: "refused"; readonly message: string };

function readNumbers(values: Values, defaults: Numbers): ReadNumbers {
  const given = {
    webhooks: values.webhooks,
    historyRows: values["history-rows"],
    backlogEvents: values["backlog-events"],
    dispatchers: values.dispatchers,
    rounds: values.rounds,
  };
  const wrong = Object.values(given).find((text) => text !== undefined && !isAmount(text));
  if (wrong !== undefined) {
    return { kind: "refused", message: `"${wrong}" is not a whole number from 1 to ${AMOUNT_MAX}.` };
  }
  const of = (text: string | undefined, fallback: number) => (text === undefined ? fallback : Number(text));
  return {
    kind: "read",
    numbers: {
      webhooks: of(given.webhooks, defaults.webhooks),
      historyRows: of(given.historyRows, defaults.historyRows),
      backlogEvents: of(given.backlogEvents, defaults.backlogEvents),
      dispatchers: of(given.dispatchers, defaults.dispatchers),
      rounds: of(given.rounds, defaults.rounds),
    },
  };
}

function isAmount(text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= AMOUNT_MAX;
}
