/** CPU time and memory of processes and their children, as the kernel counts them. Linux only. */

import { readdirSync, readFileSync } from "node:fs";

export type Usage = { readonly cpuMs: number; readonly memoryMb: number };

/** The kernel's clock tick for accounting: 100 per second on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const KB_PER_MB = 1_024;

/** By process name. Postgres is its children too: each connection is a process. */
export function usageOf(pids: Readonly<Record<string, number>>): Readonly<Record<string, Usage>> {
  const children = childrenByParent();
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, sum([pid, ...descendants(pid, children)])]),
  );
}

function sum(pids: readonly number[]): Usage {
  const usages = pids.map(usageOfOne);
  return {
    cpuMs: usages.reduce((total, usage) => total + usage.cpuMs, 0),
    memoryMb: usages.reduce((total, usage) => total + usage.memoryMb, 0),
  };
}

function usageOfOne(pid: number): Usage {
  const fields = statFields(pid);
  const ticks = (index: number) => Number(fields[index] ?? 0);
  // utime and stime, then what children that have ended left behind.
  const cpuMs = (ticks(11) + ticks(12) + ticks(13) + ticks(14)) * MS_PER_TICK;
  const pss = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
  return { cpuMs, memoryMb: Number(pss ?? 0) / KB_PER_MB };
}

/** The fields behind the command name, which may hold blanks: index 0 is the state, 1 the parent. */
function statFields(pid: number): string[] {
  return read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return children;
}

function descendants(pid: number, children: ReadonlyMap<number, readonly number[]>): number[] {
  return (children.get(pid) ?? []).flatMap((child) => [child, ...descendants(child, children)]);
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
