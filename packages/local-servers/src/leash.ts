/**
 * One small shell process per owner that ends the owner's children when the owner is gone, SIGKILL included.
 * Children stay direct children of the owner, so signals, exit codes and the process tree are the plain ones.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** After the first signal a held process has this long before SIGKILL; on a busy machine a little longer. */
export const LEASH_GRACE_S = 2;

const leashScript = fileURLToPath(new URL("./leash.sh", import.meta.url));

export interface Leash extends Disposable {
  /** The guarding process; it ends when everything it held has ended. */
  readonly pid: number;
  /** From now on `pid` gets `signal`, and later SIGKILL, when this process is gone. */
  hold(pid: number, signal: NodeJS.Signals): void;
  /** Call when `pid` has ended: its number may soon belong to somebody else. */
  release(pid: number): void;
}

/**
 * Starts the guard in a session of its own, so that neither Ctrl-C in a terminal nor a signal to the owner's process
 * group reaches it. Disposing it ends whatever is still held. It does not keep the owner's event loop alive.
 */
export function startLeash(): Leash {
  const held = new Map<number, NodeJS.Signals>();
  let isDisposed = false;
  let guard = spawnGuard();

  function spawnGuard(): ChildProcess {
    const child = spawn("/bin/sh", [leashScript, String(LEASH_GRACE_S)], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.unref();
    // A write to a guard that was killed fails; its replacement below is told everything again.
    child.stdin?.on("error", () => {});
    child.on("exit", () => {
      if (!isDisposed) guard = spawnGuard();
    });
    for (const [pid, signal] of held) child.stdin?.write(`+ ${pid} ${signal.slice(3)}\n`);
    return child;
  }

  return {
    get pid() {
      if (guard.pid === undefined) throw new Error("the guard of the child processes (/bin/sh) could not be started");
      return guard.pid;
    },
    hold(pid, signal) {
      held.set(pid, signal);
      guard.stdin?.write(`+ ${pid} ${signal.slice(3)}\n`);
    },
    release(pid) {
      held.delete(pid);
      guard.stdin?.write(`- ${pid}\n`);
    },
    [Symbol.dispose]() {
      isDisposed = true;
      guard.stdin?.end();
    },
  };
}
