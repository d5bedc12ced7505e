/** Runs scenarios on one version of the engine, each on a stack of its own that begins empty. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestStack, TestStackOptions } from "../../deploy/local/test-stack.ts";
import type { FastReceiver } from "./fast-receiver.ts";
import type { Amounts, BenchContext, Scenario, ScenarioResult, Size } from "./scenario.ts";
import type { Version } from "./versions.ts";

export type Bench = {
  readonly size: Size;
  readonly amounts: Amounts;
  readonly receiver: FastReceiver;
  readonly wrk: string | undefined;
  readonly folder: string;
  readonly say: (text: string) => void;
};

export type Outcome = {
  readonly results: readonly ScenarioResult[];
  /** Scenarios that gave no result, each with what went wrong. */
  readonly failures: readonly string[];
};

/** A scenario that fails costs its own figures and not those of the hours before it. */
export async function runScenarios(bench: Bench, version: Version, scenarios: readonly Scenario[]): Promise<Outcome> {
  const results: ScenarioResult[] = [];
  const failures: string[] = [];
  const { say, ...given } = bench;
  await using stacks = new Stacks(version, bench);
  const context: BenchContext = {
    ...given,
    root: version.root,
    withStack: (options, act) => stacks.withStack(options, act),
    resultOf: (name) => results.find((result) => result.name === name),
  };
  for (const scenario of scenarios) {
    say(`${scenario.name} (${version.commit}${version.isChanged ? " with changes" : ""}): ${scenario.describe}`);
    const startedMs = performance.now();
    try {
      results.push(await scenario.run(context));
    } catch (error) {
      failures.push(`${scenario.name}: ${error instanceof Error ? error.message : String(error)}`);
      say(`FAILED ${failures.at(-1)}`);
    }
    say(`  took ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  }
  return { results, failures };
}

/**
 * A stack for each scenario, so that none finds what another left behind; for a smoke run one for all that need no
 * special one, which is most of its time.
 */
class Stacks implements AsyncDisposable {
  readonly #version: Version;
  readonly #bench: Bench;
  #shared: Promise<TestStack> | undefined;

  constructor(version: Version, bench: Bench) {
    this.#version = version;
    this.#bench = bench;
  }

  async withStack<Result>(options: TestStackOptions, act: (stack: TestStack) => Promise<Result>): Promise<Result> {
    if (this.#bench.size === "smoke" && Object.keys(options).length === 0) {
      this.#shared ??= this.#start(options);
      return act(await this.#shared);
    }
    const stack = await this.#start(options);
    try {
      return await act(stack);
    } finally {
      await stack[Symbol.asyncDispose]();
      await rm(stack.stack.dataDir, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#shared)?.[Symbol.asyncDispose]();
  }

  async #start(options: TestStackOptions): Promise<TestStack> {
    const dataDir = await mkdtemp(join(this.#bench.folder, "stack-"));
    return this.#version.startStack({ ...options, dataDir });
  }
}
