/**
 * Compares what was accepted with what the receivers got and with what history says of it. Pure: the judgement of a run
 * from its records.
 */

import { deliveryIdOf, parseEventId, parseWebhookId } from "@posthorn/domain";
import type { AcceptedEvent } from "./accepted-file.ts";
import type { Act } from "./act-log.ts";
import { type Explanation, explainRepeat } from "./explain-repeat.ts";
import { matchHits } from "./match-hits.ts";
import type { History, RecordedDelivery } from "./read-history.ts";
import type { ReceivedDelivery } from "./receivers.ts";

export type RunRecords = {
  readonly accepted: readonly AcceptedEvent[];
  /** By `webhook-id`. */
  readonly received: ReadonlyMap<string, ReceivedDelivery>;
  readonly history: History;
  /** Ids of the events that INGEST holds at the end. It keeps them for longer than any run. */
  readonly stored: ReadonlySet<string>;
  readonly acts: readonly Act[];
  /** By webhook. */
  readonly pathOf: ReadonlyMap<string, string>;
};

export type Repeat = {
  readonly deliveryId: string;
  readonly atMs: number;
  readonly explanation: Explanation;
  /** Posthorn marked an attempt of the delivery as a possible repeat, or counted one. */
  readonly isReported: boolean;
};

export type Finding = {
  readonly kind: FindingKind;
  readonly deliveryId: string;
  readonly detail: string;
};
export type FindingKind =
  /** Neither delivered nor ended with a reason. */
  | "lost"
  /** The same, and INGEST does not hold the event any more that it had acknowledged: NATS lost it. */
  | "lost by the stream"
  /** History knows another end than the receiver, or other attempts. */
  | "history differs"
  /** A request that no accepted event explains. */
  | "stranger"
  /** The same `webhook-id`, another body or receiver. */
  | "differing request"
  /** Another event than the delivery's, or another webhook's receiver. */
  | "strayed"
  /** One publish became two events. */
  | "accepted twice"
  | "unexplained repeat"
  | "unreported repeat";

export type Verdict = {
  readonly events: number;
  readonly deliveries: number;
  readonly delivered: number;
  /** Ended otherwise, by status and reason. */
  readonly ended: ReadonlyMap<string, number>;
  readonly repeats: readonly Repeat[];
  readonly findings: readonly Finding[];
};

type Note = (kind: FindingKind, deliveryId: string, detail: string) => void;

export function checkRun(records: RunRecords): Verdict {
  const findings: Finding[] = [];
  const note: Note = (kind, deliveryId, detail) => findings.push({ kind, deliveryId, detail });
  const expected = expectedDeliveries(records.accepted);
  const ended = new Map<string, number>();
  const repeats: Repeat[] = [];
  let delivered = 0;
  for (const [deliveryId, { event, webhookId }] of expected) {
    const received = records.received.get(deliveryId);
    const recorded = records.history.deliveries.get(deliveryId);
    if (hasArrived(received)) delivered += 1;
    else if (recorded !== undefined && hasEndedOtherwise(recorded)) count(ended, endOf(recorded));
    else note(lossOf(records, event, recorded), deliveryId, `event ${event.number}, ${describe(received, recorded)}`);
    if (received === undefined) continue;
    if (received.number !== event.number || received.path !== records.pathOf.get(webhookId)) {
      note("strayed", deliveryId, `event ${received.number} at ${received.path}`);
    }
    if (received.differing > 0) note("differing request", deliveryId, `${received.differing} requests`);
    repeats.push(...judgeHistory(records, deliveryId, received, recorded, note));
  }
  for (const [deliveryId, { number, path }] of records.received) {
    if (!expected.has(deliveryId)) note("stranger", deliveryId, `event ${number} at ${path}`);
  }
  for (const callerId of records.history.acceptedTwice) note("accepted twice", callerId, "known as two events");
  return { events: records.accepted.length, deliveries: expected.size, delivered, ended, repeats, findings };
}

/** What history knows of was matched, and need not be in the stream any more. */
function lossOf({ stored }: RunRecords, { eventId }: AcceptedEvent, recorded: RecordedDelivery | undefined) {
  return recorded === undefined && !stored.has(eventId) ? "lost by the stream" : "lost";
}

type Expected = { readonly event: AcceptedEvent; readonly webhookId: string };

function expectedDeliveries(accepted: readonly AcceptedEvent[]): ReadonlyMap<string, Expected> {
  const expected = new Map<string, Expected>();
  for (const event of accepted) {
    for (const webhookId of event.webhookIds) {
      const [eventKey, webhookKey] = [parseEventId(event.eventId), parseWebhookId(webhookId)];
      if (eventKey === undefined || webhookKey === undefined) throw new Error(`no id: ${event.eventId}, ${webhookId}`);
      expected.set(deliveryIdOf(eventKey, webhookKey), { event, webhookId });
    }
  }
  return expected;
}

function judgeHistory(
  { acts, history }: RunRecords,
  deliveryId: string,
  received: ReceivedDelivery,
  recorded: RecordedDelivery | undefined,
  note: Note,
): readonly Repeat[] {
  if (recorded === undefined) {
    note("history differs", deliveryId, "arrived, and history does not know it");
    return [];
  }
  const difference = differenceOf(received, recorded);
  if (difference !== undefined) note("history differs", deliveryId, difference);
  const { unrecorded, missing } = matchHits(received.hits, recorded.attempts);
  if (missing > 0) note("history differs", deliveryId, `${missing} answered attempts that no request explains`);
  const isReported = recorded.repeatedAttempts > 0 || (history.marked.get(deliveryId) ?? 0) > 0;
  // Its outcome was never known, and the delivery ended before it was made again.
  const isLastTry = hasEndedOtherwise(recorded) && unrecorded.at(-1) === received.hits.at(-1);
  return (isLastTry ? unrecorded.slice(0, -1) : unrecorded).map((hit) => {
    const explanation = explainRepeat(hit, received.hits, acts);
    const detail = `${received.hits.length} requests, ${recorded.attempts.length} attempts, ${nearestOf(explanation)}`;
    if (explanation.kind === "unexplained") note("unexplained repeat", deliveryId, detail);
    if (!isReported) note("unreported repeat", deliveryId, detail);
    return { deliveryId, atMs: hit.atMs, explanation, isReported };
  });
}

function differenceOf(received: ReceivedDelivery, recorded: RecordedDelivery): string | undefined {
  const { status, attemptCount, attempts } = recorded;
  if (hasArrived(received) !== (status === "delivered") && !hasEndedOtherwise(recorded)) {
    return `${hasArrived(received) ? "arrived" : "never arrived"}, and history says ${status}`;
  }
  if (attempts.length !== attemptCount) return `${attemptCount} attempts, ${attempts.length} of them known`;
  return undefined;
}

function hasArrived(received: ReceivedDelivery | undefined): boolean {
  return received?.hits.some(({ answer }) => answer === 200) ?? false;
}

function hasEndedOtherwise({ status, reason }: RecordedDelivery): boolean {
  return ["exhausted", "cancelled", "skipped"].includes(status) && reason !== null;
}

function endOf({ status, reason }: RecordedDelivery): string {
  return `${status} (${reason})`;
}

function describe(received: ReceivedDelivery | undefined, recorded: RecordedDelivery | undefined): string {
  const state = recorded === undefined ? "unknown to history" : `${recorded.status} in history`;
  return `${received?.hits.length ?? 0} requests, ${state}`;
}

function nearestOf(explanation: Explanation): string {
  switch (explanation.kind) {
    case "explained":
      return `${explanation.act.kind} ${explanation.act.target}`;
    case "redone":
      return "redone";
    case "unexplained":
      return `nearest: ${explanation.nearest ?? "no act"}`;
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
