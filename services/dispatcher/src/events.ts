/** What happens in the dispatcher, as an operator sees it: one function per happening. */

import type { AttemptOutcome } from "@posthorn/domain";
import type { Logger, Metrics } from "@posthorn/service-runtime";

export type DispatcherEvents = ReturnType<typeof createDispatcherEvents>;

export type AttemptFacts = {
  readonly outcome: AttemptOutcome;
  readonly durationMs: number;
  /** From acceptance to the receiver's answer. */
  readonly latencyMs: number;
  readonly attempt: number;
  readonly possibleRepeat: boolean;
};

const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createDispatcherEvents(log: Logger, metrics: Metrics) {
  const attempts = metrics.counter("attempts_total", "Attempts made, by what came of them", ["outcome"]);
  const repeats = metrics.counter("possible_repeats_total", "Attempts made that may have been made before");
  const fenced = metrics.counter("fenced_total", "Attempts not made because they had an outcome already");
  const settled = metrics.counter("settled_total", "Work items ended without an attempt, by what was logged", ["kind"]);
  const handedBack = metrics.counter("handed_back_total", "Work items left to a later delivery", ["reason"]);
  const setAside = metrics.counter("set_aside_total", "Work items that could not be read");
  const duration = metrics.histogram("attempt_duration_seconds", "One attempt, from its start to its outcome", {
    buckets: SECONDS_BUCKETS,
  });
  const latency = metrics.histogram(
    "first_attempt_latency_seconds",
    "From acceptance to the end of the first attempt",
    {
      buckets: SECONDS_BUCKETS,
    },
  );
  return {
    attempted(facts: AttemptFacts): void {
      attempts.inc({ outcome: facts.outcome.kind === "succeeded" ? "succeeded" : facts.outcome.errorClass });
      duration.observe(facts.durationMs / 1_000);
      if (facts.attempt === 1) latency.observe(facts.latencyMs / 1_000);
      if (facts.possibleRepeat) repeats.inc();
    },
    fenced: () => fenced.inc(),
    settledWithoutAttempt: (kind: string) => settled.inc({ kind }),
    handedBack: (reason: "lease_lost" | "stopping" | "webhook_unknown" | "payload_unavailable" | "unsignable") =>
      handedBack.inc({ reason }),
    setAside(sequence: number, subject: string, reason: string): void {
      setAside.inc();
      log.error({ sequence, subject, reason }, "a work item cannot be read and was set aside");
    },
    unsignable(webhookId: string, refusal: string): void {
      log.error({ webhookId, refusal }, "the signer refused to sign; the attempt waits");
    },
    failed(error: unknown): void {
      log.error({ err: error }, "a work item failed in the dispatcher itself; it comes again");
    },
    trouble(part: string, reason: string): void {
      log.warn({ part, reason }, "trouble, trying again");
    },
  };
}
