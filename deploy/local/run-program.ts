/** Runs one program of `npm test` to its end, so that it can be broken off with everything it started. */

import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** After being told to stop; then its whole process group is killed. */
const STOP_GRACE_MS = 5_000;

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborting it ends the program and its process group. */
  readonly signal: AbortSignal;
  /** `inherit` shows the output as it comes, `capture` returns it. */
  readonly output: "inherit" | "capture";
}

export interface ProgramEnd {
  readonly exitedWell: boolean;
  /** What it printed, both streams together; "" when it was shown as it came. */
  readonly output: string;
}

export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd> {
  const { cwd, env, signal, output } = options;
  if (signal.aborted) return { exitedWell: false, output: "not run" };
  const stream = output === "inherit" ? "inherit" : "pipe";
  const child = spawn(command, args, { cwd, env: { ...env }, detached: true, stdio: ["ignore", stream, stream] });
  const chunks: Buffer[] = [];
  for (const readable of [child.stdout, child.stderr]) readable?.on("data", (chunk: Buffer) => chunks.push(chunk));

  const ended = new Promise<boolean>((resolve) => {
    child.once("close", (code) => resolve(code === 0));
    child.once("error", (error) => {
      chunks.push(Buffer.from(`${command} could not be started: ${error.message}\n`));
      resolve(false);
    });
  });
  const stop = (): void => void stopGroup(child, ended);
  signal.addEventListener("abort", stop, { once: true });
  const exitedWell = await ended;
  signal.removeEventListener("abort", stop);
  return { exitedWell, output: Buffer.concat(chunks).toString("utf8") };
}

async function stopGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  signalGroup(child, "SIGTERM");
  await Promise.race([ended, sleep(STOP_GRACE_MS, undefined, { ref: false })]);
  signalGroup(child, "SIGKILL");
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}
