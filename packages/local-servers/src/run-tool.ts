/** Runs a program of the system to its end and gives its answer as a value. */

import { execFile } from "node:child_process";

export type ToolResult =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly message: string };

export interface ToolOptions {
  readonly cwd?: string;
  readonly timeoutMs: number;
  /** Run as this user and group; only root can ask for it. */
  readonly uid?: number;
  readonly gid?: number;
}

/** A missing program, an exit code other than 0 and a time-out are all `failed`, with what it printed. */
export function runTool(command: string, args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  return new Promise((resolve) => {
    const { timeoutMs, ...rest } = options;
    execFile(command, args, { ...rest, timeout: timeoutMs, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: "done", output: stdout });
      else resolve({ kind: "failed", message: stderr.trim() === "" ? error.message : stderr.trim() });
    });
  });
}
