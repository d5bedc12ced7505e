/** What every process of a run took between two moments: the engine's, the receiver's and the bench's own. */

import { type ByProcess, cpuMsOf, memoryMbOf, ownCpuMs, ownMemoryMb } from "../process-usage.ts";
import type { Costs, ProcessCost } from "../scenario.ts";

export type Metered = {
  readonly tookMs: number;
  /** Between start and stop. */
  readonly cpuMs: ByProcess;
  /** At the end. */
  readonly memoryMb: ByProcess;
};

const MICROS_PER_MS = 1_000;

/** @param pids by name, the receiver's among them; the bench itself is added as `generator`. */
export function startMeter(pids: ByProcess): () => Metered {
  const before = cpuMs(pids);
  const startedMs = performance.now();
  return () => {
    const tookMs = performance.now() - startedMs;
    const after = Object.entries(cpuMs(pids));
    return {
      tookMs,
      cpuMs: Object.fromEntries(after.map(([name, ms]) => [name, ms - (before[name] ?? 0)])),
      memoryMb: { ...memoryMbOf(pids), generator: ownMemoryMb() },
    };
  };
}

export function costsPer(per: Costs["per"], count: number, metered: Metered): Costs {
  const byProcess = Object.entries(metered.cpuMs).map(([name, cpuMs]): [string, ProcessCost] => [
    name,
    {
      cpuMicros: (cpuMs * MICROS_PER_MS) / count,
      cpuPercent: (cpuMs / metered.tookMs) * 100,
      memoryMb: metered.memoryMb[name] ?? 0,
    },
  ]);
  return { per, byProcess: Object.fromEntries(byProcess) };
}

function cpuMs(pids: ByProcess): ByProcess {
  return { ...cpuMsOf(pids), generator: ownCpuMs() };
}
