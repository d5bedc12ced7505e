/** Keeps one process alive: starts it again whenever it ends, for as long as the stack runs. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ChildExit } from "@posthorn/local-servers";
import { countEarlyEnd, restartDelayMs } from "./restart-policy.ts";

/** One process of the stack, whichever kind. */
export interface Member {
  /** "nats", "dispatcher-2". */
  readonly name: string;
  readonly pid: number | undefined;
  /** Returns when it has been started; rejects when it could not be. */
  start(): Promise<StartedMember>;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end and insists after `graceMs`; returns when it has ended, at once if it does not run. */
  stop(graceMs: number): Promise<void>;
}

export interface StartedMember {
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ChildExit>;
}

export type MemberEvent =
  | { readonly kind: "ended"; readonly name: string; readonly exit: ChildExit; readonly restartInMs: number }
  | { readonly kind: "start-failed"; readonly name: string; readonly error: unknown; readonly restartInMs: number }
  | { readonly kind: "restarted"; readonly name: string; readonly pid: number | undefined };

const UNSTOPPED_GRACE_MS = 1_000;

/**
 * Takes over a member that has just been started. Returns when `stopping` is aborted; what then still runs is the
 * caller's to stop, except a start that was under way.
 */
export async function keepRunning(
  member: Member,
  first: StartedMember,
  stopping: AbortSignal,
  report: (event: MemberEvent) => void,
): Promise<void> {
  let running: StartedMember | undefined = first;
  let startedAtMs = performance.now();
  let earlyEnds = 0;
  while (!stopping.aborted) {
    if (running !== undefined) {
      const exit = await untilAborted(running.exited, stopping);
      if (exit === undefined) return;
      earlyEnds = countEarlyEnd(earlyEnds, performance.now() - startedAtMs);
      report({ kind: "ended", name: member.name, exit, restartInMs: restartDelayMs(earlyEnds) });
    }
    await sleep(restartDelayMs(earlyEnds), undefined, { signal: stopping }).catch(() => {});
    if (stopping.aborted) return;
    startedAtMs = performance.now();
    try {
      running = await member.start();
      report({ kind: "restarted", name: member.name, pid: member.pid });
    } catch (error) {
      running = undefined;
      earlyEnds = countEarlyEnd(earlyEnds, 0);
      if (!stopping.aborted) {
        report({ kind: "start-failed", name: member.name, error, restartInMs: restartDelayMs(earlyEnds) });
      }
    }
  }
  if (running !== undefined) await member.stop(UNSTOPPED_GRACE_MS);
}

/** The value, or undefined when the signal came first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
