/** What happens in the scheduler, as an operator sees it: one function per happening. */

import type { Logger, Metrics } from "@posthorn/service-runtime";

export type SchedulerEvents = ReturnType<typeof createSchedulerEvents>;

const LATENESS_BUCKETS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3_600];

export function createSchedulerEvents(log: Logger, metrics: Metrics) {
  const released = metrics.counter("released_total", "Deliveries released to the dispatchers", ["kind"]);
  const doubtful = metrics.counter("release_duplicates_total", "Releases that the stream knew already");
  const lateness = metrics.histogram("release_lateness_seconds", "From the time a delivery was due to its release", {
    buckets: LATENESS_BUCKETS_S,
  });
  const reconciled = metrics.counter("reconciled_total", "Deliveries whose lost work item was made again");
  const heldBack = metrics.gauge("partitions_held_back", "Partitions whose projection has not caught up yet");
  return {
    released(kind: "due" | "parked", latenessMs: number): void {
      released.inc({ kind });
      if (kind === "due") lateness.observe(Math.max(0, latenessMs) / 1_000);
    },
    releaseKnownAlready: () => doubtful.inc(),
    reconciled(deliveryId: string): void {
      reconciled.inc();
      log.warn({ deliveryId }, "a delivery had lost its work item; it was made again");
    },
    heldBack: (partitions: number) => heldBack.set(partitions),
    trouble(part: string, error: unknown): void {
      log.warn({ part, reason: error instanceof Error ? error.message : String(error) }, "trouble, trying again");
    },
  };
}
