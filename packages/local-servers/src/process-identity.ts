/**
 * Tells whether the process that wrote its id somewhere still exists. Ids are reused, soon in a container, so a
 * process is named by its id together with the moment it started.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Position of `starttime` in /proc/<pid>/stat, counted after the command name, which may hold spaces. */
const STAT_START_TIME = 19;

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process only. */
  readonly startedAt: string;
}

/** The process that has this id now; undefined when there is none, or only one that has ended and was not reaped. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether exactly this process, not a later one with its id, still runs. */
export function isStillRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** The command line of a process, or undefined when there is no such process. */
export function commandLineOf(pid: number): string | undefined {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
      : execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: "pipe" });
  } catch {
    return undefined;
  }
}

function startTimeFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[STAT_START_TIME - 1];
  } catch {
    return undefined;
  }
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    const text = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8", stdio: "pipe" });
    return text.trim().startsWith("Z") ? undefined : text.trim().replace(/^\S+\s+/, "");
  } catch {
    return undefined;
  }
}
