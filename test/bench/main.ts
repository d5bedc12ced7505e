/**
 * `npm run bench`: runs the whole engine as processes on this machine and measures it against a bare loop of the same
 * run. Absolute figures drift with the machine; the ratio is what counts. Prints a table and writes bench.json.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { startLeash } from "@posthorn/local-servers";
import { untilToldToStop } from "../../deploy/local/stop-request.ts";
import { type BenchPlan, parseArguments } from "./arguments.ts";
import { startFastReceiver } from "./fast-receiver.ts";
import { findOrInstall, findProgram } from "./find-program.ts";
import { measureBareLoops, measureBounds } from "./measure/measure-bounds.ts";
import { compareRounds, printComparison, type Round } from "./report/comparison.ts";
import { printReport } from "./report/print-report.ts";
import { type Circumstances, makeReport } from "./report/report.ts";
import { table } from "./report/table.ts";
import { type Bench, runScenarios } from "./run-scenarios.ts";
import { SCENARIOS } from "./scenario-list.ts";
import { checkOut, thisVersion, type Version } from "./versions.ts";

process.exitCode = await main(process.argv.slice(2));
process.stdin.destroy();

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, SCENARIOS);
  switch (parsed.kind) {
    case "refused":
      return refuse(parsed.message);
    case "list":
      print(listing());
      return 0;
    case "run":
      return run(parsed.plan);
    default:
      return parsed satisfies never;
  }
}

async function run(plan: BenchPlan): Promise<number> {
  const stopRequest = untilToldToStop(process);
  // Whatever runs on a leash ends with this process; the files stay, in the system's folder for such.
  stopRequest.addEventListener("abort", () => process.exit(1));
  const folder = await mkdtemp(join(tmpdir(), "posthorn-bench-"));
  using leash = startLeash();
  try {
    await using receiver = await startFastReceiver(join(folder, "receiver"), leash);
    const wrk = plan.size === "smoke" ? findProgram("wrk") : await findOrInstall("wrk");
    if (wrk === undefined)
      say("wrk is missing (Debian's package wrk): a loop of this process makes the single requests.");
    const bench: Bench = { size: plan.size, amounts: plan.amounts, receiver, wrk, folder, say };
    if (plan.compare === undefined) return await measure(plan, bench, await thisVersion());
    return await compare(plan, bench, plan.compare);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(plan: BenchPlan, bench: Bench, version: Version): Promise<number> {
  const { receiver, wrk, size } = bench;
  const circumstances = circumstancesOf(bench, version);
  say("the bare loop, and the generator straight to the receiver");
  const before = await measureBareLoops(receiver, size);
  const bounds = await measureBounds(receiver, wrk, size);
  const { results, failures } = await runScenarios(bench, version, plan.scenarios);
  say("the bare loop again");
  const after = await measureBareLoops(receiver, size);
  const report = makeReport(circumstances, { before, after, bounds, results });
  print(["", ...printReport(report)]);
  await writeReport(plan.output, report);
  return exitCodeOf(failures);
}

async function compare(plan: BenchPlan, bench: Bench, { ref, rounds }: NonNullable<BenchPlan["compare"]>) {
  const other = await checkOut(ref, join(bench.folder, "other"));
  if (other.kind === "refused") return refuse(other.message);
  const here = await thisVersion();
  const done: Round[] = [];
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    const base = await runScenarios(bench, other.version, plan.scenarios);
    const changed = await runScenarios(bench, here, plan.scenarios);
    done.push({ base: base.results, changed: changed.results });
    failures.push(...base.failures, ...changed.failures);
  }
  const figures = compareRounds(done);
  print(["", `there: ${other.version.commit}; here: ${here.commit}${here.isChanged ? " with changes" : ""}`, ""]);
  print(printComparison(figures));
  await writeReport(plan.output, { ...circumstancesOf(bench, here), there: other.version.commit, figures });
  return exitCodeOf(failures);
}

function exitCodeOf(failures: readonly string[]): number {
  if (failures.length === 0) return 0;
  return refuse(`These scenarios failed:\n${failures.join("\n")}`);
}

function circumstancesOf({ size, receiver, wrk }: Bench, { commit, isChanged }: Version): Circumstances {
  return {
    commit,
    isChanged,
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    size,
    receiver: receiver.kind,
    generator: wrk === undefined ? "node" : "wrk",
  };
}

function listing(): readonly string[] {
  const rows = SCENARIOS.map(({ name, describe, isDefault }) => [name, isDefault ? "yes" : "by name", describe]);
  const columns = ["scenario", "runs", "what it measures"].map((title) => ({ title, align: "left" }) as const);
  return table(columns, rows);
}

async function writeReport(path: string | undefined, report: object): Promise<void> {
  if (path !== undefined) await writeFile(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

function say(text: string): void {
  print([text]);
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
