/** What happens in the scheduler, as an operator sees it: one function per happening. */

import type { Logger, Metrics } from "@posthorn/service-runtime";

/** `due`: a retry by its time. Everything else was parked; `ended`: no request comes of it. */
export type ReleaseKind = "due" | "drained" | "probe" | "ended" | "slot" | "run";

export type SchedulerEvents = ReturnType<typeof createSchedulerEvents>;

const LATENESS_BUCKETS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3_600];

export function createSchedulerEvents(log: Logger, metrics: Metrics) {
  const released = metrics.counter("released_total", "Deliveries released to the dispatchers", ["kind"]);
  const doubtful = metrics.counter("release_duplicates_total", "Releases that the stream knew already");
  const lateness = metrics.histogram("release_lateness_seconds", "From the time a delivery was due to its release", {
    buckets: LATENESS_BUCKETS_S,
  });
  const reconciled = metrics.counter("reconciled_total", "Deliveries whose lost work item was made again");
  const replayed = metrics.counter("replayed_total", "Deliveries that replays came to", ["result"]);
  const disabled = metrics.counter("webhooks_disabled_total", "Webhooks asked to be taken out of service");
  const announced = metrics.counter("operational_events_total", "Operational events published", ["type"]);
  const heldBack = metrics.gauge("partitions_held_back", "Partitions whose projection has not caught up yet");
  const retired = metrics.counter("retired_rows_total", "Rows of history that were forgotten for their age", ["part"]);
  const daysDropped = metrics.counter("archive_days_dropped_total", "Days of the archive that were dropped");
  const fill = metrics.gauge("stream_fill_ratio", "Of the bytes that a stream may hold", { labelNames: ["stream"] });
  const purged = metrics.counter("stream_purged_messages_total", "Messages that made room for others", ["stream"]);
  const relieved = metrics.counter("consumer_reliefs_total", "Acts on consumers that handed out nothing they owed", [
    "act",
  ]);
  return {
    released(kind: ReleaseKind, latenessMs: number): void {
      released.inc({ kind });
      if (kind === "due") lateness.observe(Math.max(0, latenessMs) / 1_000);
    },
    releaseKnownAlready: () => doubtful.inc(),
    reconciled(deliveryId: string): void {
      reconciled.inc();
      log.warn({ deliveryId }, "a delivery had lost its work item; it was made again");
    },
    replayed(done: number, skipped: number): void {
      replayed.inc({ result: "done" }, done);
      replayed.inc({ result: "skipped" }, skipped);
    },
    disabled(webhookId: string): void {
      disabled.inc();
      log.warn({ webhookId }, "a webhook has only failed for too long and is taken out of service");
    },
    announced: (type: string) => announced.inc({ type }),
    gained: (partitions: readonly number[]) =>
      log.info({ partitions }, "releasing for the webhooks of these partitions"),
    heldBack: (partitions: number) => heldBack.set(partitions),
    retired: (part: string, rows: number) => retired.inc({ part }, rows),
    archiveDayDropped(day: string): void {
      daysDropped.inc();
      log.info({ day }, "a day of the archive is older than history is kept, and was dropped");
    },
    retentionHeldUp: (reason: string) => log.warn({ reason }, "old history could not be forgotten now"),
    filled: (stream: string, share: number) => fill.set({ stream }, share),
    purged(stream: string, messages: number): void {
      purged.inc({ stream }, messages);
      log.warn({ stream, messages }, "a stream was filling up; what nobody needs of its oldest messages was purged");
    },
    roomNotMade: (stream: string, reason: string) =>
      log.error({ stream, reason }, "a stream is filling up, and no room could be made in it"),
    consumerRelieved: (act: string) => relieved.inc({ act }),
    trouble(part: string, error: unknown): void {
      log.warn({ part, reason: error instanceof Error ? error.message : String(error) }, "trouble, trying again");
    },
  };
}
