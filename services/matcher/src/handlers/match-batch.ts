/**
 * Matches a batch that has been taken. The barrier comes after the taking: whatever was configured before one of its
 * events was published stands in the bucket before the marker, so behind the marker it is known here (I3).
 */

import type { AcceptedEvent, EvaluateFilter } from "@posthorn/domain";
import { parseTraceparent, type SpanHandle, type Tracing } from "@posthorn/service-runtime";
import type { Match, MatchTerms } from "../core/match-event.ts";
import type { SubscriptionDirectory } from "../core/subscription-directory.ts";
import type { MatcherEvents } from "../events.ts";
import type { Part } from "./take-batch.ts";

export type MatchedPart = {
  readonly part: Part;
  readonly matches: readonly Match[];
  readonly terms: MatchTerms;
  /** One for every event that is traced; they end with the part. */
  readonly spans: readonly SpanHandle[];
};

export type MatchPorts = {
  readonly configuration: {
    barrier(): Promise<number>;
    readonly appliedRevision: number;
  };
  readonly directory: Pick<SubscriptionDirectory, "webhooksFor">;
  readonly filters: { evaluatorOf(event: AcceptedEvent): EvaluateFilter };
  readonly tracing: Pick<Tracing, "enabled" | "startSpan">;
  readonly events: Pick<MatcherEvents, "batchMatched" | "eventMatched" | "filterFailed">;
  /** Payloads above this size are left where they are stored. */
  readonly inlineBytesMax: number;
  readonly nowMs: () => number;
  /** A clock that never jumps. */
  readonly monotonicMs: () => number;
};

export async function matchBatch(ports: MatchPorts, parts: readonly Part[]): Promise<readonly MatchedPart[]> {
  const takenAtMs = ports.nowMs();
  const barrierBeganAtMs = ports.monotonicMs();
  await ports.configuration.barrier();
  const barrierMs = ports.monotonicMs() - barrierBeganAtMs;
  const nowMs = ports.nowMs();
  // More than the marker may have been applied by now, and it is that which is matched against.
  const configRevision = ports.configuration.appliedRevision;
  const terms = { configRevision, inlineBytesMax: ports.inlineBytesMax, nowMs };
  const matched = parts.map((part) => matchPart(ports, part, terms, takenAtMs));
  const events = parts.reduce((sum, part) => sum + part.events.length, 0);
  ports.events.batchMatched(events, barrierMs);
  return matched;
}

function matchPart(ports: MatchPorts, part: Part, terms: MatchTerms, takenAtMs: number): MatchedPart {
  const spans: SpanHandle[] = [];
  const matches = part.events.map((placed): Match => {
    const { event } = placed;
    const subscriptions = ports.directory.webhooksFor(event.orgId, event.type);
    const span = startSpan(ports.tracing, event, subscriptions.length, takenAtMs);
    if (span !== undefined) spans.push(span);
    ports.events.eventMatched(terms.nowMs - event.acceptedAtMs);
    const traceparent = span?.traceparent ?? event.traceparent;
    return { ...placed, subscriptions, evaluate: evaluatorOf(ports, event), traceparent };
  });
  return { part, matches, terms, spans };
}

function evaluatorOf({ filters, events }: MatchPorts, event: AcceptedEvent): EvaluateFilter {
  let evaluate: EvaluateFilter | undefined;
  return (filter) => {
    evaluate ??= filters.evaluatorOf(event);
    const verdict = evaluate(filter);
    if (verdict.kind === "error") events.filterFailed();
    return verdict;
  };
}

/** Only for events that are traced: everything else would pay for a span that nobody looks at. */
function startSpan(
  tracing: MatchPorts["tracing"],
  { id, type, traceparent }: AcceptedEvent,
  webhooks: number,
  startedAtMs: number,
): SpanHandle | undefined {
  if (!tracing.enabled || parseTraceparent(traceparent)?.sampled !== true) return undefined;
  const attributes = {
    "messaging.system": "nats",
    "messaging.operation.type": "process",
    "messaging.destination.name": "INGEST",
    "posthorn.event.id": id,
    "posthorn.event.type": type,
    "posthorn.webhooks": webhooks,
  };
  return tracing.startSpan("match", { kind: "consumer", parent: traceparent, attributes, startedAtMs });
}
