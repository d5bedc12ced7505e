/** What happens in the api, as an operator sees it: one function per happening. No secret and no URL goes in. */

import type { Logger, Metrics } from "@posthorn/service-runtime";
import type { Caller } from "./core/caller.ts";
import type { LogPosition } from "./core/present-log-event.ts";
import type { BucketComparison } from "./io/compare-bucket.ts";
import type { Disabling } from "./io/webhook-disablings.ts";

export type ApiEvents = ReturnType<typeof createApiEvents>;

export type AnsweredRequest = {
  readonly operation: string;
  readonly status: number;
  readonly durationMs: number;
};

export type ConfigurationChange = {
  readonly operation: string;
  readonly requestId: string;
  readonly caller: Caller;
  /** Undefined: the operator's, in none. */
  readonly org: string | undefined;
};

const SECONDS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3, 10];

/** Of configuration entries in one line of the log. */
const KEYS_SHOWN_MAX = 20;

export function createApiEvents(log: Logger, metrics: Metrics) {
  const requests = metrics.counter("api_requests_total", "Requests answered", ["operation", "status"]);
  const duration = metrics.histogram("api_request_duration_seconds", "From a request's headers to its answer", {
    buckets: SECONDS_BUCKETS,
    labelNames: ["operation"],
  });
  const applied = metrics.counter("api_config_changes_applied_total", "Changes brought into the configuration bucket");
  const logged = metrics.counter("api_log_events_total", "Events brought into LOG");
  const late = metrics.counter("api_config_changes_late_total", "Changes answered before they were in effect");
  const copies = metrics.counter("api_config_copies_total", "Copies of all of the configuration into the bucket");
  const mended = metrics.counter(
    "api_config_mended_total",
    "Values that the bucket had lost, or rows that were deleted again",
  );
  const ahead = metrics.gauge(
    "api_config_ahead",
    "Entries of the bucket that are newer than Postgres or unknown to it",
  );
  const trouble = metrics.counter("api_trouble_total", "Dependencies that did not do as asked", ["part"]);
  return {
    answered({ operation, status, durationMs }: AnsweredRequest): void {
      requests.inc({ operation, status: String(status) });
      duration.observe({ operation }, durationMs / 1_000);
    },
    configurationChanged({ operation, requestId, caller, org }: ConfigurationChange): void {
      const keyId = caller.kind === "root" ? "root" : caller.id;
      log.info({ operation, request_id: requestId, org_id: org, key_id: keyId }, "the configuration was changed");
    },
    changesApplied: (count: number) => applied.inc(count),
    changesLogged: (count: number) => logged.inc(count),
    changeLate(operation: string, requestId: string): void {
      late.inc();
      log.warn({ operation, request_id: requestId }, "a change is saved but not in effect yet");
    },
    bucketCopied(entryCount: number): void {
      copies.inc();
      log.info({ entries: entryCount }, "the configuration was copied into its bucket");
    },
    bucketCompared({ mended: written, deletedAgain, newer, unknown }: BucketComparison): void {
      mended.inc(written + deletedAgain);
      ahead.set(newer.length + unknown.length);
      if (written + deletedAgain > 0) {
        log.warn(
          { written, deleted_again: deletedAgain },
          "bucket and database did not agree; they were brought together",
        );
      }
      if (newer.length + unknown.length === 0) return;
      log.error(
        {
          newer: newer.slice(0, KEYS_SHOWN_MAX),
          unknown: unknown.slice(0, KEYS_SHOWN_MAX),
          count: newer.length + unknown.length,
        },
        "ALARM: the bucket is ahead of the database, which was restored from an older backup; what the bucket holds is in " +
          "effect: save these entries again, or delete the bucket to go back to what the database has",
      );
    },
    webhookDisabled({ orgId, webhookId, reason }: Disabling): void {
      log.warn({ org_id: orgId, webhook_id: webhookId, reason }, "a webhook was taken out of service");
    },
    undecodable({ partition, epochMs, sequence }: LogPosition, reason: string): void {
      log.error({ partition, epoch_ms: epochMs, sequence, reason }, "an archived message cannot be read");
    },
    trouble(
      part:
        | "outbox"
        | "log outbox"
        | "disablings"
        | "payload deletions"
        | "replay requests"
        | "bucket"
        | "signer"
        | "key usage"
        | "idempotency keys"
        | "dispatcher"
        | "test events"
        | "secrets"
        | "postgres",
      reason: string,
    ): void {
      trouble.inc({ part });
      log.warn({ part, reason }, "trouble, trying again");
    },
  };
}
