/**
 * `npm test`: everything that proves the project, one after the other. Arguments select test files, as Vitest's do. The
 * last line says how many checks and tests passed and failed.
 */

import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CHECKS, type CheckResult, checkLeftovers } from "./checks.ts";
import { canFindLeftovers } from "./leftover-processes.ts";
import { type ProgramOptions, runProgram } from "./run-program.ts";
import { untilToldToStop } from "./stop-request.ts";
import { countTests, type TestCounts } from "./vitest-report.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

process.exitCode = await main(process.argv.slice(2));
process.stdin.destroy();

async function main(testFilters: readonly string[]): Promise<number> {
  const signal = untilToldToStop(process);
  const runFolder = await mkdtemp(join(tmpdir(), "posthorn-run-"));
  // Postgres may have to run as another user than the tests, and its files lie in here.
  await chmod(runFolder, 0o711);
  const path = [join(root, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter);
  const program = {
    cwd: root,
    env: { ...process.env, POSTHORN_LEASH: undefined, PATH: path, TMPDIR: runFolder },
    signal,
  };

  let passed = 0;
  let failed = 0;
  const count = (result: CheckResult): void => {
    if (result.kind === "passed") passed++;
    else failed++;
  };
  for (const check of CHECKS) count(await reported(check.name, () => check.run({ program, runFolder })));

  const tests = await runTests(program, runFolder, testFilters);
  passed += tests.passed;
  failed += tests.failed;
  if (canFindLeftovers()) count(await reported("nothing left running", () => checkLeftovers(runFolder)));

  if (failed === 0) await rm(runFolder, { recursive: true, force: true });
  else process.stdout.write(`The files of this run are kept in ${runFolder}\n`);
  if (tests.skipped > 0) process.stdout.write(`${tests.skipped} tests were skipped\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function runTests(
  program: Omit<ProgramOptions, "output">,
  runFolder: string,
  filters: readonly string[],
): Promise<TestCounts> {
  const reportFile = join(runFolder, "vitest.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`, ...filters];
  const { exitedWell } = await runProgram("vitest", args, { ...program, output: "inherit" });
  const text = await readFile(reportFile, "utf8").catch(() => undefined);
  return countTests(text, exitedWell);
}

/** One line per check, and what it printed when it failed. */
async function reported(name: string, run: () => Promise<CheckResult>): Promise<CheckResult> {
  const startedAtMs = performance.now();
  const result = await run();
  const tookS = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  if (result.kind === "failed") process.stdout.write(`${result.output}\n`);
  process.stdout.write(`${result.kind === "passed" ? "passed" : "FAILED"}  ${name} (${tookS} s)\n`);
  return result;
}
