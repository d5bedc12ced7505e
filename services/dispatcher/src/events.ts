/** What happens in the dispatcher, as an operator sees it: one function per happening. */

import type { AttemptOutcome, DeferReason } from "@posthorn/domain";
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

export type HandedBackReason =
  | "lease_lost"
  | "stopping"
  | "webhook_unknown"
  | "payload_unavailable"
  /** Nobody could say what of an ordered run was delivered. */
  | "order_unknown";

const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createDispatcherEvents(log: Logger, metrics: Metrics) {
  const attempts = metrics.counter("attempts_total", "Attempts made, by what came of them", ["outcome"]);
  const repeats = metrics.counter("possible_repeats_total", "Attempts made that may have been made before");
  const fenced = metrics.counter("fenced_total", "Attempts not made because they had an outcome already");
  const settled = metrics.counter("settled_total", "Work items ended without an attempt, by what was logged", ["kind"]);
  const tests = metrics.counter("tests_total", "Tests that were asked for, by what came of them", ["result"]);
  const handedBack = metrics.counter("handed_back_total", "Work items left to a later delivery", ["reason"]);
  const parked = metrics.counter("parked_total", "Deliveries parked, by what they wait for", ["reason"]);
  const circuits = metrics.counter("circuit_changes_total", "Circuits opened and closed here", ["change"]);
  const setAside = metrics.counter("set_aside_total", "Work items given up: unreadable, or failing in here", ["why"]);
  const relieved = metrics.counter("consumer_reliefs_total", "Acts on consumers that handed out nothing they owed", [
    "act",
  ]);
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
    /** @param result what came of the attempt, or why none was made. */
    tested: (result: string) => tests.inc({ result }),
    fenced: () => fenced.inc(),
    settledWithoutAttempt: (kind: string) => settled.inc({ kind }),
    parked: (reason: DeferReason) => parked.inc({ reason }),
    circuitChanged: (change: "opened" | "closed") => circuits.inc({ change }),
    handedBack: (reason: HandedBackReason) => handedBack.inc({ reason }),
    setAside(sequence: number, subject: string, reason: string): void {
      setAside.inc({ why: "unreadable" });
      log.error({ sequence, subject, reason }, "a work item cannot be read and was set aside");
    },
    unsignable(webhookId: string, refusal: string): void {
      log.error({ webhookId, refusal }, "the signer refused to sign; the attempt waits");
    },
    gaveUp(sequence: number, subject: string, deliveryId: string, error: unknown): void {
      setAside.inc({ why: "failing" });
      log.error(
        { sequence, subject, deliveryId, err: error },
        "a work item fails here again and again and was given up",
      );
    },
    consumerRelieved: (act: string) => relieved.inc({ act }),
    failed(error: unknown): void {
      log.error({ err: error }, "a work item failed in the dispatcher itself; it comes again");
    },
    trouble(part: string, reason: string): void {
      log.warn({ part, reason }, "trouble, trying again");
    },
  };
}
