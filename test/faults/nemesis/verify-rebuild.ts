/** Rebuilds the projections beside the live ones and compares them row by row, with the command that operators have. */

import { fileURLToPath } from "node:url";
import { runProgram } from "../../../deploy/local/run-program.ts";

export type RebuildVerdict = { readonly isEqual: boolean; readonly output: string };

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export async function verifyRebuild(databaseUrl: string): Promise<RebuildVerdict> {
  const args = ["services/projector/src/rebuild-main.ts", "--verify"];
  const { exitedWell, output } = await runProgram(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: databaseUrl },
    signal: new AbortController().signal,
    output: "capture",
  });
  return { isEqual: exitedWell, output };
}
