/** What happens in the projector, as an operator sees it: one function per happening. */

import type { Logger, Metrics } from "@posthorn/service-runtime";
import type { Checkpoint } from "./core/checkpoint.ts";
import type { ReceivedMessage } from "./io/log-inbox.ts";

export type ProjectorEvents = ReturnType<typeof createProjectorEvents>;

export type ProjectedBatch = {
  readonly partition: number;
  readonly messages: readonly ReceivedMessage[];
  readonly repeats: number;
  readonly durationMs: number;
};

const SIZE_BUCKETS = [1, 4, 16, 64, 256, 1_024, 4_096];
const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export function createProjectorEvents(log: Logger, metrics: Metrics) {
  const projectedEvents = metrics.counter("projected_events_total", "Delivery events projected");
  const batches = metrics.counter("projected_batches_total", "Transactions that projected log messages");
  const batchEvents = metrics.histogram("projected_batch_events", "Delivery events per transaction", {
    buckets: SIZE_BUCKETS,
  });
  const duration = metrics.histogram("projected_batch_seconds", "One transaction, from its start to its commit", {
    buckets: SECONDS_BUCKETS,
  });
  const repeats = metrics.counter("repeated_attempts_total", "Attempts that the log shows to have been made again");
  const setAside = metrics.counter("set_aside_messages_total", "Log messages archived but not projected");
  const distrusts = metrics.counter("log_distrusted_total", "Times that LOG was found to have changed its past");
  const overtaken = metrics.counter("overtaken_total", "Times that another projector had moved a checkpoint");
  const failures = metrics.counter("projection_failures_total", "Projections that failed and started over");
  const outcomes = metrics.counter("outcomes_calls_total", "Calls of Outcomes", ["result"]);
  return {
    projected({ partition, messages, repeats: found, durationMs }: ProjectedBatch): void {
      let events = 0;
      for (const { content, sequence } of messages) {
        if (content.kind === "decoded") events += content.value.length;
        else {
          setAside.inc();
          log.error({ partition, sequence, reason: content.reason }, "a log message was archived but not projected");
        }
      }
      projectedEvents.inc(events);
      batches.inc();
      batchEvents.observe(events);
      duration.observe(durationMs / 1_000);
      if (found === 0) return;
      repeats.inc(found);
      log.warn({ partition, repeats: found }, "attempts were made more than once");
    },
    distrusted(partition: number, reason: string, from: Checkpoint | undefined, to: Checkpoint): void {
      distrusts.inc();
      const { epochMs, sequence } = from ?? to;
      log.error(
        { partition, reason, epoch_ms: epochMs, sequence, new_epoch_ms: to.epochMs, read_again_from: to.sequence + 1 },
        "ALARM: LOG has changed its past; what it holds behind the common past is read again",
      );
    },
    overtaken(partition: number): void {
      overtaken.inc();
      log.warn({ partition }, "another projector has moved the checkpoint; looking anew");
    },
    interrupted(partition: number, reason: string): void {
      log.info({ partition, reason }, "reading the log was interrupted; looking anew");
    },
    failed(partition: number, error: unknown): void {
      failures.inc();
      log.warn({ partition, error }, "projecting failed; starting over from the checkpoint");
    },
    gained(partitions: readonly number[]): void {
      log.info({ partitions }, "projecting these partitions");
    },
    sessionLost(error: unknown): void {
      log.warn({ error }, "the session that holds the partitions failed; they are free for others");
    },
    partitionsNotPrepared(error: unknown): void {
      log.warn({ error }, "the archive's next days could not be prepared; rows go to the default partition");
    },
    outcomesAnswered: (result: "answered" | "too_late") => outcomes.inc({ result }),
    outcomesFailed(error: unknown): void {
      outcomes.inc({ result: "failed" });
      log.warn({ error }, "a question for outcomes could not be answered");
    },
  };
}
