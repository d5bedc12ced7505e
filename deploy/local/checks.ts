/** The checks of `npm test` that are not tests: types, lint, contracts, generated code, nothing left behind. */

import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { differingFiles } from "./compare-folders.ts";
import { findLeftovers } from "./leftover-processes.ts";
import { type ProgramOptions, runProgram } from "./run-program.ts";

const GENERATED_FOLDER = "packages/contracts/src/gen";

export type CheckResult =
  | { readonly kind: "passed" }
  /** Everything somebody needs to put it right. */
  | { readonly kind: "failed"; readonly output: string };

export interface Check {
  readonly name: string;
  run(context: CheckContext): Promise<CheckResult>;
}

export interface CheckContext {
  readonly program: Omit<ProgramOptions, "output">;
  /** The folder of all temporary files of this run. */
  readonly runFolder: string;
}

export const CHECKS: readonly Check[] = [
  programCheck("types", "tsc", ["-p", "tsconfig.base.json"]),
  programCheck("lint and format", "biome", ["ci", "--colors=off", "."]),
  programCheck("contracts", "buf", ["lint", "proto"]),
  { name: "generated code", run: checkGeneratedCode },
];

/** For after the tests. Kills what it finds. */
export async function checkLeftovers(runFolder: string): Promise<CheckResult> {
  const left = await findLeftovers(runFolder);
  for (const { pid } of left) process.kill(pid, "SIGKILL");
  if (left.length === 0) return { kind: "passed" };
  return {
    kind: "failed",
    output: `left running:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join("\n")}\n`,
  };
}

function programCheck(name: string, command: string, args: readonly string[]): Check {
  return {
    name,
    run: async ({ program }) => {
      const { exitedWell, output } = await runProgram(command, args, { ...program, output: "capture" });
      return exitedWell ? { kind: "passed" } : { kind: "failed", output };
    },
  };
}

/** Generates into a folder of its own, so that a working tree with changes can be checked and is not touched. */
async function checkGeneratedCode({ program, runFolder }: CheckContext): Promise<CheckResult> {
  const folder = await mkdtemp(join(runFolder, "generated-"));
  const args = ["generate", "proto", "--template", "proto/buf.gen.yaml", "-o", folder];
  const { exitedWell, output } = await runProgram("buf", args, { ...program, output: "capture" });
  if (!exitedWell) return { kind: "failed", output };
  const differing = differingFiles(join(folder, GENERATED_FOLDER), join(program.cwd, GENERATED_FOLDER));
  if (differing.length === 0) return { kind: "passed" };
  return {
    kind: "failed",
    output: `not what proto/ says (npm run gen writes it anew):\n  ${differing.join("\n  ")}\n`,
  };
}
