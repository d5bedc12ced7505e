/** The simulation, played for a few seconds; and played with bugs put in by hand, each of which it has to find. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { sized } from "../faults/sizes.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
/** Always the same, and then others each time. */
const SEEDS = { fixed: sized({ short: 700, full: 10_000 }), others: sized({ short: 300, full: 2_000 }) };
const FOUND_WITHIN = 1_000;
const RANDOM_FROM_MAX = 1_000_000_000;
const SWEEP_MS_MAX = 3_600_000;

type Played = { readonly exitCode: number | null; readonly output: string };

function simulate(...args: readonly string[]): Promise<Played> {
  const child = spawn(process.execPath, [main, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    child.on("close", (exitCode) => resolve({ exitCode, output }));
  });
}

describe("the simulation", () => {
  it("breaks no invariant in seeds that are always the same", { timeout: SWEEP_MS_MAX }, async () => {
    const { exitCode, output } = await simulate("--seeds", String(SEEDS.fixed));
    expect(output).toContain(`${SEEDS.fixed} seeds, 0 failed`);
    expect(exitCode).toBe(0);
  });

  it("breaks no invariant in seeds that nobody has seen", { timeout: SWEEP_MS_MAX }, async () => {
    const from = String(Math.floor(Math.random() * RANDOM_FROM_MAX));
    const { output } = await simulate("--seeds", String(SEEDS.others), "--from", from);
    process.stdout.write(`simulated from seed ${from}\n`);
    expect(output).toContain(`${SEEDS.others} seeds, 0 failed`);
  });

  it("plays a seed twice alike, and shows what happens in it", async () => {
    const [one, two] = await Promise.all([simulate("--seed", "3"), simulate("--seed", "3")]);
    const trace = (played: Played) => played.output.split("\n").filter((line) => !line.includes("seeds, "));
    expect(trace(one)).toEqual(trace(two));
    expect(one.output).toContain("dispatcher-2 sends ");
  });

  it("refuses a seed that is no number", async () => {
    const { exitCode, output } = await simulate("--seed", "none");
    expect(exitCode).toBe(2);
    expect(output).toContain("npm run simulate -- [--seeds N]");
  });
});

describe("a bug put in by hand is found", () => {
  const cases = [
    { bug: "skip-fence", invariant: "I5" },
    { bug: "ack-before-log", invariant: "I1" },
    { bug: "forget-barrier", invariant: "I3" },
    { bug: "old-work-id", invariant: "I1" },
  ];
  it.each(cases)("$bug breaks $invariant", async ({ bug, invariant }) => {
    const { exitCode, output } = await simulate("--seeds", String(FOUND_WITHIN), "--bug", bug, "--until-failed");
    expect(output).toMatch(new RegExp(`npm run simulate -- --seed \\d+ --bug ${bug} {2}# .*${invariant}: `));
    expect(exitCode).toBe(1);
    const [found = ""] = output.split("\n");
    process.stdout.write(`${found}\n`);
  });
});
