import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTestFolder } from "@posthorn/testkit";
import { expect, it } from "vitest";
import type { Report, ReportedResult } from "./report/report.ts";
import { SCENARIOS } from "./scenario-list.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** The others need a stack of their own; they run with the full size of the tests only. */
const SHARING = SCENARIOS.map(({ name }) => name).filter((name) => name !== "dispatchers" && name !== "idle");
const names = process.env.POSTHORN_TEST_FULL === "1" ? SCENARIOS.map(({ name }) => name) : SHARING;
/** Far below what a quiet machine shows (see `npm run bench`): it fails when a hop has lost its batches. */
const RATIO_MIN = 0.03;
/** Under a minute on a quiet machine. */
const TIMEOUT_MS = 300_000;

it(
  "measures against the bare loop, in a size that takes seconds",
  async () => {
    const output = join(await createTestFolder("bench"), "bench.json");
    const args = [MAIN, "--smoke", "--only", names.join(","), "--output", output];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const report: Report = JSON.parse(await readFile(output, "utf8"));

    const results = new Map(report.results.map((result) => [result.name, result]));
    expect([...results.keys()]).toEqual(names);
    expect(report.bareLoop.best.bytes).toBe(Math.max(report.bareLoop.before.bytes, report.bareLoop.after.bytes));
    for (const name of ["sustained-1", "sustained-10"]) {
      const result = results.get(name);
      expect(figure(result, "deliveries").ratio?.bytes).toBeGreaterThan(RATIO_MIN);
      expect(result?.costs?.byProcess.dispatcher?.cpuMicros).toBeGreaterThan(0);
      expect(result?.costs?.byProcess.receiver?.memoryMb).toBeGreaterThan(0);
      expect(result?.costs?.byProcess.generator?.cpuMicros).toBeGreaterThan(0);
    }
    for (const name of ["latency-200", "latency-half"]) {
      expect(figure(results.get(name), "accept to receiver p50").value).toBeGreaterThanOrEqual(0);
      expect(figure(results.get(name), "shown by the api p99").value).toBeGreaterThan(0);
    }
    expect(figure(results.get("backlog"), "drained deliveries").value).toBeGreaterThan(0);
    expect(figure(results.get("history"), "deliveries in the history").value).toBe(2_000);
    expect(stdout).toContain("of bare loop");
  },
  TIMEOUT_MS,
);

function figure(result: ReportedResult | undefined, name: string) {
  const found = result?.figures.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${result?.name} has no figure "${name}"`);
  return found;
}
