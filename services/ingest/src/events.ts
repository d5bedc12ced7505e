/** What happens in ingest, as an operator sees it: one function per happening. No payload, key or id leaves here. */

import type { Logger, Metrics } from "@posthorn/service-runtime";
import type { RefusalCode } from "./core/refusals.ts";

export type IngestEvents = ReturnType<typeof createIngestEvents>;

const ACCEPT_SECONDS_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** An outage fails thousands of events a second; a line per this time says as much. */
const COMPLAINT_INTERVAL_MS = 5_000;

/** @param monotonicMs a clock that never jumps. */
export function createIngestEvents(log: Logger, metrics: Metrics, monotonicMs: () => number) {
  const accepted = metrics.counter("ingest_events_accepted_total", "Events stored, each counted once");
  const duplicates = metrics.counter("ingest_events_duplicate_total", "Events answered with the id of an earlier one");
  const refused = metrics.counter("ingest_refused_total", "Requests and events not accepted, by reason", ["code"]);
  const messages = metrics.counter("ingest_messages_total", "Messages stored; events per message is the grouping");
  const streams = metrics.gauge("ingest_streams_open", "PublishStream calls being served");
  const duration = metrics.histogram("ingest_accept_duration_seconds", "From a parsed event to its answer", {
    buckets: ACCEPT_SECONDS_BUCKETS,
  });
  const complaints = new Map<string, number>();
  return {
    /** Shows how many events wait for the stream at the time of a scrape. */
    watchUnstored(unstoredEvents: () => number): void {
      metrics.gauge("ingest_events_in_flight", "Events taken in that wait to be stored", {
        collect: (gauge) => gauge.set(unstoredEvents()),
      });
    },
    accepted(duplicate: boolean, durationMs: number): void {
      if (duplicate) duplicates.inc();
      else accepted.inc();
      duration.observe(durationMs / 1_000);
    },
    refused(code: RefusalCode): void {
      refused.inc({ code });
    },
    messageStored: () => messages.inc(),
    streamOpened: () => streams.inc(),
    streamClosed: () => streams.dec(),
    streamFailed: (error: unknown) => log.error({ error }, "a PublishStream failed unexpectedly"),
    trouble(part: "configuration" | "streams" | "storing" | "schemas", reason: string): void {
      const nowMs = monotonicMs();
      if (nowMs - (complaints.get(part) ?? Number.NEGATIVE_INFINITY) < COMPLAINT_INTERVAL_MS) return;
      complaints.set(part, nowMs);
      log.warn({ part, reason }, "trouble, trying again");
    },
  };
}
