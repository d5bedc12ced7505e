/**
 * One child process that this process owns: output appended to a log file, held on a leash, in a process group of its
 * own so that Ctrl-C in a terminal reaches only the owner, which then stops its children in its own order.
 */

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Leash } from "./leash.ts";

/** How a process ended: an exit code, or the signal that killed it. */
export type ChildExit =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals };

export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment of the child; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Run as this user and group; only root can ask for it. */
  readonly identity?: { readonly uid: number; readonly gid: number };
}

export interface ChildOptions {
  readonly leash: Leash;
  /** Standard output and error are appended here; its folder is created. */
  readonly logFile: string;
  /** The signal that asks this program to end. */
  readonly endSignal: NodeJS.Signals;
  /** `pipe` gives the child a standard input that ends when this process ends. */
  readonly stdin: "pipe" | "ignore";
}

export interface OwnedChild {
  readonly pid: number;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ChildExit>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Sends the end signal, and SIGKILL after `graceMs`; returns when the process has ended. */
  stop(graceMs: number): Promise<ChildExit>;
}

/** Starts the process. Rejects when the command cannot be executed at all. */
export async function startOwnedChild(command: ChildCommand, options: ChildOptions): Promise<OwnedChild> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(command.command, command.args, {
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...command.identity,
    env: { ...command.env },
    detached: true,
    stdio: [options.stdin, log, log],
  });
  closeSync(log);
  child.stdin?.on("error", () => {});

  let exit: ChildExit | undefined;
  const { pid } = child;
  const exited = new Promise<ChildExit>((resolve) => {
    child.once("exit", (code, signal) => {
      exit = signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal };
      if (pid !== undefined) options.leash.release(pid);
      resolve(exit);
    });
  });
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once("error", resolve));
    throw new Error(`${command.command} could not be started: ${cause.message}`, { cause });
  }
  options.leash.hold(pid, options.endSignal);
  // From here on an error is a signal that could not be sent, which shows in that the process goes on.
  child.on("error", () => {});

  return {
    pid,
    exited,
    isRunning: () => exit === undefined,
    kill: (signal) => {
      child.kill(signal);
    },
    stop: (graceMs) => {
      child.kill(options.endSignal);
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      return exited.finally(() => clearTimeout(timer));
    },
  };
}

/** The end of a process in words: "exit code 1" or "SIGKILL". */
export function describeExit(exit: ChildExit): string {
  return exit.kind === "code" ? `exit code ${exit.code}` : exit.signal;
}
