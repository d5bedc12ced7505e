/** The two kinds of processes of a stack, servers and services, in the one shape that the supervisor keeps running. */

import { type Leash, type LocalServer, type OwnedChild, startOwnedChild } from "@posthorn/local-servers";
import { environmentOfLife } from "./environment-of-life.ts";
import type { Member } from "./keep-running.ts";
import type { InstancePlan } from "./plan-instances.ts";
import type { ProcessLog } from "./process-log.ts";

/**
 * Under load most objects live for the milliseconds of one batch. With the default of 16 MB many of them are copied
 * because a collection comes too early; that cost a tenth of all CPU time.
 */
const NODE_FLAGS = ["--max-semi-space-size=64"];

/** A NATS server or Postgres that has been started already; `start` starts it again. */
export function serverMember(name: string, server: LocalServer): Member {
  return {
    name,
    get pid() {
      return server.pid;
    },
    start: async () => {
      await server.restart();
      return { exited: server.exited() };
    },
    kill: (signal) => {
      void server.kill(signal);
    },
    stop: (graceMs) => server.stop(graceMs),
  };
}

export interface ServiceProcessOptions {
  readonly plan: InstancePlan;
  /** Holds `services/<name>/src/main.ts`; the process runs in it. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: ProcessLog;
  readonly leash: Leash;
}

/**
 * One instance of a service. Its standard input is its leash: it stops when that ends.
 */
export function serviceMember(options: ServiceProcessOptions): Member {
  const { plan, root, log, leash } = options;
  let lives = 0;
  let child: OwnedChild | undefined;
  return {
    name: plan.name,
    get pid() {
      return child?.isRunning() === true ? child.pid : undefined;
    },
    start: async () => {
      log.rotate();
      const env = environmentOfLife(options.env, lives);
      lives += 1;
      child = await startOwnedChild(
        { command: process.execPath, args: [...NODE_FLAGS, `services/${plan.service}/src/main.ts`], cwd: root, env },
        { leash, logFile: log.path, endSignal: "SIGTERM", stdin: "pipe" },
      );
      return child;
    },
    kill: (signal) => child?.kill(signal),
    stop: async (graceMs) => {
      if (child?.isRunning() === true) await child.stop(graceMs);
    },
  };
}
