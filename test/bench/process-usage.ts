/** CPU time and memory of processes and their children, as the kernel counts them. Linux only. */

import { readdirSync, readFileSync } from "node:fs";

export type FoundProcess = { readonly pid: number; readonly command: string };

/** The kernel's clock tick for accounting: 100 per second on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const KB_PER_MB = 1_024;
const MICROS_PER_MS = 1_000;

/** By process name, for a set of processes by name. */
export type ByProcess = Readonly<Record<string, number>>;

/** Postgres is its children too: each connection is a process. Takes a few milliseconds. */
export function cpuMsOf(pids: ByProcess): ByProcess {
  return sumWithChildren(pids, (pid) => {
    const fields = statFields(pid);
    return ticksMs(fields, 11) + ticksMs(fields, 12) + endedChildrenMs(fields);
  });
}

/** Proportional set size. The kernel walks through every page: for all processes of a stack 100 ms and more. */
export function memoryMbOf(pids: ByProcess): ByProcess {
  return sumWithChildren(pids, memoryMb);
}

/** This process and its children that have ended; those that run count for themselves. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROS_PER_MS + endedChildrenMs(statFields(process.pid));
}

export function ownMemoryMb(): number {
  return memoryMb(process.pid);
}

/** Every process that `pid` started, directly or not. */
export function findDescendants(pid: number): readonly FoundProcess[] {
  return descendants(pid, childrenByParent()).map((child) => ({
    pid: child,
    command: read(`/proc/${child}/cmdline`).replaceAll("\0", " "),
  }));
}

function sumWithChildren(pids: ByProcess, ofOne: (pid: number) => number): ByProcess {
  const children = childrenByParent();
  const sums = Object.entries(pids).map(([name, pid]) => {
    const values = [pid, ...descendants(pid, children)].map(ofOne);
    return [name, values.reduce((total, value) => total + value, 0)] as const;
  });
  return Object.fromEntries(sums);
}

/** What children that have ended left behind. */
function endedChildrenMs(fields: readonly string[]): number {
  return ticksMs(fields, 13) + ticksMs(fields, 14);
}

function ticksMs(fields: readonly string[], index: number): number {
  return Number(fields[index] ?? 0) * MS_PER_TICK;
}

function memoryMb(pid: number): number {
  const pss = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
  return Number(pss ?? 0) / KB_PER_MB;
}

/** The fields behind the command name, which may hold blanks: index 0 is the state, 1 the parent, 11 and 12 the time. */
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
