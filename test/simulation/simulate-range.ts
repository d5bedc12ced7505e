/** A process that does nothing but simulate: it plays the seeds that it is told to, and tells what came of each. */

import { keepFewPartitions } from "./few-partitions.ts";
import { installVirtualTimers } from "./install-virtual-timers.ts";
import { MUTATIONS, NO_MUTATION } from "./mutations.ts";
import { type RunResult, runSeed } from "./run-seed.ts";
import { VirtualTime } from "./virtual-time.ts";

export type Range = {
  readonly from: number;
  readonly count: number;
  /** Every so many seeds. */
  readonly step: number;
  /** Of `MUTATIONS`; undefined: the services as they are. */
  readonly bug: string | undefined;
  readonly isTraced: boolean;
};

export type SeedReport = RunResult & { readonly seed: number };

const nextTurn = setImmediate;

const range: Range = JSON.parse(process.argv[2] ?? "{}");
process.on("disconnect", () => process.exit());
await simulateRange(range);
process.disconnect();

async function simulateRange({ from, count, step, bug, isTraced }: Range): Promise<void> {
  let time = new VirtualTime(0);
  keepFewPartitions();
  installVirtualTimers(() => time);
  const mutation = bug === undefined ? NO_MUTATION : MUTATIONS[bug];
  if (mutation === undefined)
    throw new Error(`there is no bug named ${bug}; there are ${Object.keys(MUTATIONS).join(", ")}`);
  for (let seed = from; seed < from + count; seed += step) {
    const onTime = (begun: VirtualTime) => {
      time = begun;
    };
    const onTrace = isTraced ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
    const report: SeedReport = { seed, ...(await runSeed({ seed, mutation, onTrace, onTime })) };
    // The report leaves with the next turn of this process's real event loop.
    await new Promise((resolve) => {
      process.send?.(report, () => nextTurn(resolve));
    });
  }
}
