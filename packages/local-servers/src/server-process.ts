/**
 * The life of one server that this process runs: start, wait until it really answers, restart on the same port and
 * data, stop. Knows nothing of NATS or Postgres.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { readLogTail } from "./log-tail.ts";
import {
  type ChildCommand,
  type ChildExit,
  type ChildOptions,
  describeExit,
  type OwnedChild,
  startOwnedChild,
} from "./owned-child.ts";

const READY_POLL_MS = 20;
const STOP_GRACE_MS = 5_000;

/** A server that somebody here started and may stop. */
export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The process that answers; undefined while it is down and when it runs in a container. */
  readonly pid: number | undefined;
  /** Settles when the process that runs at the moment of the call has ended. */
  exited(): Promise<ChildExit>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Stops it if it runs, starts it again on the same port and data; returns when it answers. */
  restart(): Promise<void>;
  /** Asks it to end, insists after a grace (5,000 ms); returns when it has ended. Its data stay. */
  stop(graceMs?: number): Promise<void>;
}

export interface ServerRecipe {
  /** For messages: "NATS". */
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly command: ChildCommand;
  readonly child: ChildOptions;
  readonly readyTimeoutMs: number;
  /** One try; false while the server does not answer yet. */
  answers(): Promise<boolean>;
  /** Replaces the plain signal where the child is only a client of the real process. */
  kill?(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the server. Rejects with the end of its log when it ends early or does not answer in time. */
export async function startServer(recipe: ServerRecipe): Promise<LocalServer> {
  let child = await startOwnedChild(recipe.command, recipe.child);
  await confirmAnswer(recipe, child);
  const stop = async (graceMs: number = STOP_GRACE_MS): Promise<void> => {
    if (child.isRunning()) await child.stop(graceMs);
  };
  return {
    url: recipe.url,
    port: recipe.port,
    get pid() {
      return child.isRunning() ? child.pid : undefined;
    },
    exited: () => child.exited,
    kill: async (signal) => {
      if (recipe.kill === undefined) child.kill(signal);
      else await recipe.kill(signal);
    },
    restart: async () => {
      await stop();
      // Known before it answers, so that `stop` also ends a start that is still under way.
      child = await startOwnedChild(recipe.command, recipe.child);
      await confirmAnswer(recipe, child);
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** Returns when it answers; stops it and throws when it does not. */
async function confirmAnswer(recipe: ServerRecipe, child: OwnedChild): Promise<void> {
  const failure = await awaitAnswer(recipe, child);
  if (failure === undefined) return;
  if (child.isRunning()) await child.stop(STOP_GRACE_MS);
  const { logFile } = recipe.child;
  throw new Error(`${recipe.name} ${failure}. The end of ${logFile}:\n${readLogTail(logFile)}`);
}

/** Undefined once it answers, else what went wrong. */
async function awaitAnswer(recipe: ServerRecipe, child: OwnedChild): Promise<string | undefined> {
  const deadline = performance.now() + recipe.readyTimeoutMs;
  while (performance.now() < deadline) {
    if (!child.isRunning()) return `ended while it was starting (${describeExit(await child.exited)})`;
    if (await recipe.answers()) return undefined;
    await sleep(READY_POLL_MS);
  }
  return `did not answer on 127.0.0.1:${recipe.port} within ${recipe.readyTimeoutMs / 1_000} s`;
}

/** For servers whose process is not ours to watch. Rejects when it does not answer in time. */
export async function pollUntilAnswers(
  name: string,
  answers: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await answers())) {
    if (performance.now() > deadline) throw new Error(`${name} did not answer within ${timeoutMs / 1_000} s`);
    await sleep(READY_POLL_MS);
  }
}
