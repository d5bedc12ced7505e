/** What happens in the matcher, as an operator sees it: one function per happening. */

import type { Logger, Metrics } from "@posthorn/service-runtime";
import type { Step } from "./core/plan-batch.ts";

export type MatcherEvents = ReturnType<typeof createMatcherEvents>;

/** Where a message that cannot be read is stored; `index` when only one of its events is meant. */
export type SetAsidePlace = { readonly epochMs: number; readonly sequence: number; readonly index?: number };

const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300, 3_600];
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
/** A server that refuses goes on refusing; one line per so many milliseconds says so. */
const TROUBLE_INTERVAL_MS = 5_000;

export function createMatcherEvents(log: Logger, metrics: Metrics) {
  const matched = metrics.counter("matcher_events_total", "Events matched");
  const unmatched = metrics.counter("matcher_unmatched_total", "Events that no webhook wanted");
  const deliveries = metrics.counter("matcher_deliveries_total", "Deliveries logged, by how they begin", ["kind"]);
  const filterErrors = metrics.counter(
    "matcher_filter_errors_total",
    "Filters that said neither yes nor no of an event, which their webhook did not get",
  );
  const repeated = metrics.counter(
    "matcher_possible_repeats_total",
    "Work items made from a message that somebody may have worked on before",
  );
  const backlogged = metrics.counter(
    "matcher_backlogged_total",
    "Work items put into the backlog lane, because their webhook or organisation crowds the main lane of its partition",
  );
  const setAside = metrics.counter("matcher_set_aside_total", "Messages and events that cannot be read");
  const leasesLost = metrics.counter(
    "matcher_leases_lost_total",
    "Messages dropped because their lease ran out; they come again",
  );
  const failures = metrics.counter("matcher_failures_total", "Parts of a batch that failed in the matcher itself");
  const refusals = metrics.counter("matcher_refusals_total", "Publishes refused by the server and repeated", [
    "subject",
  ]);
  const relieved = metrics.counter("consumer_reliefs_total", "Acts on consumers that handed out nothing they owed", [
    "act",
  ]);
  const batchSize = metrics.histogram("matcher_batch_events", "Events taken at once", { buckets: BATCH_BUCKETS });
  const barrier = metrics.histogram("matcher_barrier_seconds", "Wait for the configuration marker", {
    buckets: SECONDS_BUCKETS,
  });
  const latency = metrics.histogram("matcher_accept_to_match_seconds", "From acceptance to the match", {
    buckets: SECONDS_BUCKETS,
  });
  const isNews = newsFilter();

  return {
    batchMatched(events: number, barrierMs: number): void {
      batchSize.observe(events);
      barrier.observe(barrierMs / 1_000);
      matched.inc(events);
    },
    /** @param latencyMs by two clocks: of the process that accepted it and of this one. */
    eventMatched: (latencyMs: number) => latency.observe(Math.max(0, latencyMs) / 1_000),
    filterFailed: () => filterErrors.inc(),
    stepLogged({ log: lines, items }: Step): void {
      const skipped = lines.filter(({ kind }) => kind === "delivery.skipped").length;
      const created = lines.filter(({ kind }) => kind === "delivery.created").length;
      deliveries.inc({ kind: "created" }, items.length);
      deliveries.inc({ kind: "held" }, created - items.length);
      deliveries.inc({ kind: "skipped" }, skipped);
      unmatched.inc(lines.length - created - skipped);
      repeated.inc(items.filter(({ possibleRepeat }) => possibleRepeat).length);
    },
    backlogged: (items: number) => backlogged.inc(items),
    setAside(place: SetAsidePlace, reason: string): void {
      setAside.inc();
      log.error({ place, reason }, "what stands in INGEST cannot be read and was set aside");
    },
    leaseLost: (messages: number) => leasesLost.inc(messages),
    refused(subject: string, reason: string): void {
      refusals.inc({ subject });
      if (isNews(`${subject} ${reason}`)) log.warn({ subject, reason }, "a publish was refused, trying again");
    },
    failed(partition: number, error: unknown): void {
      failures.inc();
      log.error({ partition, error }, "a part of a batch failed in the matcher itself; it comes again");
    },
    consumerRelieved: (act: string) => relieved.inc({ act }),
    configurationRefused: (key: string) =>
      log.error({ key }, "a configuration value does not belong under its key and was not taken"),
    trouble(part: "configuration" | "stream", reason: string): void {
      if (isNews(`${part} ${reason}`)) log.warn({ part, reason }, "trouble, trying again");
    },
  };
}

/** True for what was not said within the interval. */
function newsFilter(): (text: string) => boolean {
  const saidAtMs = new Map<string, number>();
  return (text) => {
    const nowMs = performance.now();
    for (const [old, atMs] of saidAtMs) if (nowMs - atMs > TROUBLE_INTERVAL_MS) saidAtMs.delete(old);
    if (saidAtMs.has(text)) return false;
    saidAtMs.set(text, nowMs);
    return true;
  };
}
