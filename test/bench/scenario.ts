/** What a scenario is, what it gets and what it gives. */

import type { TestStack, TestStackOptions } from "../../deploy/local/test-stack.ts";
import type { FastReceiver } from "./fast-receiver.ts";

/** `full` is what counts, `quick` a fifth of it for a first look, `smoke` a second each to see that it still runs. */
export type Size = "full" | "quick" | "smoke";

export type Scenario = {
  /** As `--only` takes it. */
  readonly name: string;
  /** One line for `--list`. */
  readonly describe: string;
  /** The others take minutes and run when they are named. */
  readonly isDefault: boolean;
  run(context: BenchContext): Promise<ScenarioResult>;
};

export type BenchContext = {
  readonly size: Size;
  /** A receiver that answers at once; one for the whole run. */
  readonly receiver: FastReceiver;
  /** The project whose services run: this one, or another version of it. */
  readonly root: string;
  /** For files of this run; removed at its end. */
  readonly folder: string;
  /** The program, or undefined where there is none. */
  readonly wrk: string | undefined;
  readonly amounts: Amounts;
  /** Runs the engine while `act` works with it. */
  withStack<Result>(options: TestStackOptions, act: (stack: TestStack) => Promise<Result>): Promise<Result>;
  /** What a scenario found earlier in this run. */
  resultOf(scenario: string): ScenarioResult | undefined;
};

/** How much the scenarios make whose size is a question of its own. */
export type Amounts = {
  readonly webhooks: number;
  readonly historyRows: number;
  readonly backlogEvents: number;
  readonly dispatchers: number;
};

export type Unit = "/s" | "ms" | "s" | "%" | "MB" | "µs" | "";

/** What a figure should be: itself, or as a share of the bare loop. */
export type Aim =
  | { readonly kind: "at-least"; readonly value: number }
  | { readonly kind: "at-most"; readonly value: number }
  | { readonly kind: "ratio-at-least"; readonly value: number };

export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly aim?: Aim;
};

/** What a process took for one delivery or event, and how busy it was. */
export type ProcessCost = {
  readonly cpuMicros: number;
  /** Of one core. */
  readonly cpuPercent: number;
  /** Proportional set size at the end. */
  readonly memoryMb: number;
};

export type Costs = {
  /** What `cpuMicros` is for one of. */
  readonly per: "delivery" | "event";
  /** By name: services, servers, `receiver`, and `generator`: the bench itself with the programs it runs. */
  readonly byProcess: Readonly<Record<string, ProcessCost>>;
};

export type ScenarioResult = {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** Undefined where nothing is counted that they could be divided by. */
  readonly costs: Costs | undefined;
};

/** A figure of an earlier scenario of this run. */
export function figureOf(result: ScenarioResult | undefined, name: string): number | undefined {
  return result?.figures.find((figure) => figure.name === name)?.value;
}
