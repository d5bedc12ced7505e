/** Does one act to a process of a stack, and tells when the process is back. */

import { setTimeout as sleep } from "node:timers/promises";
import { pingPostgres } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";
import type { Stack } from "../../../deploy/local/stack.ts";

import type { ActLog } from "./act-log.ts";
import { childProcessesOf } from "./child-processes.ts";
import type { PlannedAct } from "./plan-acts.ts";

/** A new process takes the place of a dead one; a graceful end may take its whole time before. */
const REPLACED_MS_MAX = 60_000;
const READY_MS_MAX = 60_000;
const READY_ANSWER_MS = 2_000;
const POLL_MS = 50;
/** Postgres would wait for its clients on SIGTERM. */
const POSTGRES_END_SIGNAL = "SIGINT";

/** Returns when the process runs again; its end in the log is written later, when it also answers. */
export async function carryOutAct(stack: Stack, act: PlannedAct, log: ActLog, stopping: AbortSignal): Promise<void> {
  const { kind, target } = act;
  const pid = stack.pids()[target];
  // It is being started after an earlier act.
  if (pid === undefined) return;
  if (kind === "freeze") await freeze(stack, act, pid, log, stopping);
  else await end(stack, act, pid, log);
}

async function freeze(
  stack: Stack,
  { target, frozenMs }: PlannedAct,
  pid: number,
  log: ActLog,
  stopping: AbortSignal,
): Promise<void> {
  const done = log.begin("freeze", target, ` for ${(frozenMs / 1_000).toFixed(1)} s`);
  const pids = [pid, ...(target === "postgres" ? childProcessesOf(pid) : [])];
  signalAll(pids, "SIGSTOP");
  try {
    await sleep(frozenMs, undefined, { signal: stopping }).catch(() => {});
  } finally {
    // Also what it started between the two looks.
    signalAll([...pids, ...(target === "postgres" ? childProcessesOf(pid) : [])], "SIGCONT");
  }
  void untilReady(stack, target).then(done, () => {});
}

async function end(stack: Stack, { kind, target }: PlannedAct, pid: number, log: ActLog): Promise<void> {
  const done = log.begin(kind, target);
  const endSignal = target === "postgres" ? POSTGRES_END_SIGNAL : "SIGTERM";
  stack.kill(target, kind === "kill" ? "SIGKILL" : endSignal);
  await waitUntil(() => ![undefined, pid].includes(stack.pids()[target]), {
    describe: `a new ${target}`,
    timeoutMs: REPLACED_MS_MAX,
    everyMs: POLL_MS,
  });
  void untilReady(stack, target).then(done, () => {});
}

async function untilReady(stack: Stack, target: string): Promise<void> {
  await waitUntil(() => isReady(stack, target), {
    describe: `${target} to be ready`,
    timeoutMs: READY_MS_MAX,
    everyMs: POLL_MS,
  });
}

/** A NATS server that runs counts: it is asked by everybody else's readiness. */
async function isReady(stack: Stack, target: string): Promise<boolean> {
  if (target === "postgres") return pingPostgres(stack.databaseUrl);
  const instance = stack.instances.find(({ name }) => name === target);
  if (instance === undefined) return stack.pids()[target] !== undefined;
  const url = `http://127.0.0.1:${instance.httpPort}/readyz`;
  return (await fetch(url, { signal: AbortSignal.timeout(READY_ANSWER_MS) })).ok;
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // A child of Postgres that has ended meanwhile.
    }
  }
}
