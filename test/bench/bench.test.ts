import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTestFolder } from "@posthorn/testkit";
import { expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** Far below what a quiet machine shows (see `npm run bench`): it fails when a hop has lost its batches. */
const RATIO_MIN = 0.03;

it("measures every scenario against the bare loop, in a size that takes seconds", async () => {
  const output = join(await createTestFolder("bench"), "bench.json");
  const args = [MAIN, "--deliveries", "3000", "--seconds", "2", "--output", output];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const report = JSON.parse(await readFile(output, "utf8"));
  expect(report.results.map((result: { name: string }) => result.name)).toEqual([
    "sustained, fan-out 1",
    "sustained, fan-out 10",
    "accept to receiver at 200 events/s",
  ]);
  const bare = Math.max(report.bareLoop.before.bytes, report.bareLoop.after.bytes);
  for (const result of report.results.slice(0, 2)) {
    expect(result.rate / bare).toBeGreaterThan(RATIO_MIN);
    expect(result.cpuMicrosPerDelivery.dispatcher).toBeGreaterThan(0);
  }
  expect(report.results[2].figures["p50 ms"]).toBeGreaterThanOrEqual(0);
  expect(stdout).toContain("ratio to bare loop");
});
