/**
 * Finds processes that a test run left behind. All of a run's temporary files lie in one folder, and everything that a
 * test starts names that folder in its environment, its command line or as the place of its output.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Children of a process that was killed have a few seconds to end by themselves. */
const SETTLE_MS = 5_000;
const POLL_MS = 100;
const COMMAND_LENGTH_MAX = 120;

export interface LeftoverProcess {
  readonly pid: number;
  readonly command: string;
}

/** Those that are still there after a few seconds. Needs /proc: finds nothing on other systems than Linux. */
export async function findLeftovers(runFolder: string): Promise<readonly LeftoverProcess[]> {
  const deadline = performance.now() + SETTLE_MS;
  let left = processesNaming(runFolder);
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    left = processesNaming(runFolder);
  }
  return left;
}

/** Whether this system can tell. */
export function canFindLeftovers(): boolean {
  return process.platform === "linux";
}

export function processesNaming(runFolder: string): readonly LeftoverProcess[] {
  if (!canFindLeftovers()) return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((entry) => traces(entry).some((trace) => trace.includes(runFolder)))
    .map((entry) => ({ pid: Number(entry), command: commandOf(entry) }));
}

function traces(pid: string): readonly string[] {
  return [
    orEmpty(() => readFileSync(`/proc/${pid}/environ`, "utf8")),
    orEmpty(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")),
    orEmpty(() => readlinkSync(`/proc/${pid}/fd/1`)),
  ];
}

function commandOf(pid: string): string {
  return orEmpty(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"))
    .replaceAll("\0", " ")
    .slice(0, COMMAND_LENGTH_MAX);
}

/** A process may end, or belong to somebody else, while it is looked at. */
function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
