/**
 * One pass of retention: first rows, page by page and the oldest first, then the days of the archive that nothing needs
 * any more. A pass that is cut off is simply made again.
 */

import type { SchedulerEvents } from "../events.ts";
import { FIRST_EVENT_ID, type HistoryPart, type OldHistory } from "../io/old-history.ts";

export type RetentionPorts = {
  readonly history: OldHistory;
  readonly events: Pick<SchedulerEvents, "retired" | "archiveDayDropped" | "retentionHeldUp">;
  readonly retentionMs: number;
  readonly auditRetentionMs: number;
  readonly nowMs: () => number;
  /** Ends a pass between two pages: somebody else does this now, or the process stops. */
  readonly mayGoOn: () => boolean;
};

/** Of one transaction: some 50 ms of work. */
const PAGE_ROWS_MAX = 1_000;

export async function retireHistory(ports: RetentionPorts): Promise<void> {
  const nowMs = ports.nowMs();
  const before = nowMs - ports.retentionMs;
  // An event goes after its deliveries.
  const parts: readonly (readonly [HistoryPart, number])[] = [
    ["deliveries", before],
    ["events", before],
    ["records", before],
    ["audit", nowMs - ports.auditRetentionMs],
  ];
  for (const [part, beforeMs] of parts) {
    if (!(await retirePart(ports, part, beforeMs))) return;
  }
  await dropDays(ports);
}

/** False: the pass is over. */
async function retirePart(ports: RetentionPorts, part: HistoryPart, beforeMs: number): Promise<boolean> {
  let behind = FIRST_EVENT_ID;
  while (ports.mayGoOn()) {
    const page = await ports.history.retire(part, beforeMs, behind, PAGE_ROWS_MAX);
    if (page === undefined) {
      ports.events.retentionHeldUp("a rebuild is running");
      return false;
    }
    ports.events.retired(part, page.retired);
    if (page.retired < PAGE_ROWS_MAX) return true;
    behind = page.reached ?? behind;
  }
  return false;
}

async function dropDays({ history, events, mayGoOn }: RetentionPorts): Promise<void> {
  while (mayGoOn()) {
    const dropped = await history.dropOldestDay();
    if (dropped.kind === "busy") events.retentionHeldUp("somebody reads the oldest day of the archive");
    if (dropped.kind !== "dropped") return;
    events.archiveDayDropped(dropped.day);
  }
}
