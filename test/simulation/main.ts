/**
 * `npm run simulate`: plays many seeds in several processes, or one of them with its trace. A seed that fails is said in
 * one line, with the command that plays it again; then the exit code is 1. Told to stop, it says how far it came.
 */

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { untilToldToStop } from "../../deploy/local/stop-request.ts";
import type { Range, SeedReport } from "./simulate-range.ts";

const USAGE = `npm run simulate -- [--seeds N] [--from N] [--seed N] [--bug NAME] [--until-failed]
  --seeds   how many, 1 to 10,000,000 (1,000)
  --from    the first one, 0 to 4,000,000,000 (1)
  --seed    only this one, with its trace
  --bug     with a bug put in by hand: skip-fence, ack-before-log, forget-barrier, old-work-id
  --until-failed  ends with the first seed that fails`;
const SEEDS_MAX = 10_000_000;
const SEED_MAX = 4_000_000_000;
const PROCESSES = 2;
const PROBLEMS_SHOWN = 3;
const worker = fileURLToPath(new URL("simulate-range.ts", import.meta.url));

type Options = { readonly range: Range; readonly processes: number; readonly endsWithFailure: boolean };

const options = readOptions();
if (options === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await simulate(options);
}
process.stdin.destroy();

function readOptions(): Options | undefined {
  const string = { type: "string" } as const;
  const spec = { seeds: string, from: string, seed: string, bug: string, "until-failed": { type: "boolean" } } as const;
  const { values } = parseArgs({ options: spec });
  const isTraced = values.seed !== undefined;
  const from = numberIn(values.seed ?? values.from ?? "1", 0, SEED_MAX);
  const count = isTraced ? 1 : numberIn(values.seeds ?? "1000", 1, SEEDS_MAX);
  if (from === undefined || count === undefined) return undefined;
  const processes = Math.min(PROCESSES, count);
  const range = { from, count, step: processes, bug: values.bug, isTraced };
  return { range, processes, endsWithFailure: values["until-failed"] === true };
}

function numberIn(text: string, min: number, max: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

async function simulate({ range, processes, endsWithFailure }: Options): Promise<number> {
  const startedAtMs = performance.now();
  const total = { seeds: 0, failed: 0, events: 0, requests: 0, repeats: 0, broken: 0 };
  const children = Array.from({ length: processes }, (_, index) =>
    fork(worker, [JSON.stringify({ ...range, from: range.from + index, count: range.count - index })]),
  );
  let isOver = false;
  const end = () => {
    isOver = true;
    for (const child of children) child.kill();
  };
  untilToldToStop(process).addEventListener("abort", end);
  const ended = children.map(
    (child) =>
      new Promise<void>((resolve) => {
        child.on("message", (report: SeedReport) => {
          total.seeds += 1;
          total.events += report.events;
          total.requests += report.requests;
          total.repeats += report.repeats;
          if (report.problems.length === 0) return;
          total.failed += 1;
          tellOf(report, range.bug);
          if (endsWithFailure) end();
        });
        child.on("exit", (code) => {
          if (code !== 0 && !isOver) total.broken += 1;
          resolve();
        });
      }),
  );
  await Promise.all(ended);
  const tookS = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  const { seeds, failed, events, requests, repeats, broken } = total;
  process.stdout.write(
    `${seeds} seeds, ${failed} failed: ${events} events, ${requests} requests, ${repeats} of them repeats; ${tookS} s\n`,
  );
  if (broken > 0) process.stdout.write("a process of the simulation has died\n");
  return failed === 0 && broken === 0 && !isOver ? 0 : 1;
}

function tellOf({ seed, problems }: SeedReport, bug: string | undefined): void {
  const shown = problems.slice(0, PROBLEMS_SHOWN).join("; ");
  const more = problems.length > PROBLEMS_SHOWN ? ` and ${problems.length - PROBLEMS_SHOWN} more` : "";
  const command = `npm run simulate -- --seed ${seed}${bug === undefined ? "" : ` --bug ${bug}`}`;
  process.stdout.write(`${command}  # ${shown}${more}\n`);
}
