/**
 * What follows from one event and the webhooks whose patterns match it: a line of the log for each that it goes to, and
 * a work item for each that may be tried at once. An event that nobody wanted leaves a line that says so.
 */

import {
  type AcceptedEvent,
  type DeliveryIdentity,
  type DeliveryOrigin,
  decide,
  deliveryIdOf,
  type EvaluateFilter,
  type EventFacts,
  type LogEvent,
  matchByRules,
  type PayloadPlace,
  UNKNOWN_DELIVERY,
  type WorkItem,
} from "@posthorn/domain";
import type { Subscription } from "./subscription.ts";

/** An accepted event, where it is stored, and whether somebody may have worked on its message before. */
export type PlacedEvent = {
  readonly event: AcceptedEvent;
  readonly place: PayloadPlace;
  readonly mayBeRepeat: boolean;
  /** Somebody had its message in hand before: the same work may have been made, and be in flight. */
  readonly wasInHand: boolean;
};

export type Match = PlacedEvent & {
  readonly subscriptions: readonly Subscription[];
  readonly evaluate: EvaluateFilter;
  /** Of the span that the deliveries continue. */
  readonly traceparent: string;
};

export type Entry =
  /** A line of the log, and the work that follows from it; none from what is skipped or born parked. */
  | { readonly kind: "line"; readonly log: LogEvent; readonly item: WorkItem | undefined }
  /** A filter has been evaluated, whatever it said: that takes time. */
  | { readonly kind: "evaluated" };

/** What is the same for all events of a batch. */
export type MatchTerms = {
  /** Of the configuration that was matched against. */
  readonly configRevision: number;
  /** Larger payloads are left where they are stored. */
  readonly inlineBytesMax: number;
  readonly nowMs: number;
};

/** Lazy, because one event may go to very many webhooks. */
export function* matchEvent(match: Match, terms: MatchTerms): Generator<Entry, void> {
  const { event, place, subscriptions, evaluate } = match;
  const facts = factsOf(event, place);
  const { orgId, id: eventId } = event;
  let isWanted = false;
  for (const subscription of subscriptions) {
    const result = matchByRules(subscription, event, evaluate);
    if (subscription.filter !== undefined) yield EVALUATED;
    if (result.kind === "passed_over") continue;
    isWanted = true;
    const { webhookId, profile, eventTypePrefix } = subscription;
    const identity = { orgId, eventId, webhookId, deliveryId: deliveryIdOf(eventId, webhookId) };
    const order = { event: facts, profile, eventTypePrefix, origin: MATCHED };
    const command = { kind: "create", order, start: result.start } as const;
    for (const log of decide(identity, command, UNKNOWN_DELIVERY, terms.nowMs)) {
      const item = result.start.kind === "queue" ? firstAttempt(identity, match, subscription, terms) : undefined;
      yield { kind: "line", log, item };
    }
  }
  if (isWanted) return;
  const log: LogEvent = { kind: "event.unmatched", orgId, eventId, atMs: terms.nowMs, event: facts };
  yield { kind: "line", log, item: undefined };
}

const EVALUATED: Entry = { kind: "evaluated" };
const MATCHED: DeliveryOrigin = { kind: "match" };

function factsOf(event: AcceptedEvent, place: PayloadPlace): EventFacts {
  const { type, timestamp, acceptedAtMs, callerId, traceparent } = event;
  return { type, timestamp, acceptedAtMs, callerId, place, traceparent };
}

function firstAttempt(
  identity: DeliveryIdentity,
  { event, place, mayBeRepeat, wasInHand, traceparent }: Match,
  { profile, eventTypePrefix }: Subscription,
  { configRevision, inlineBytesMax }: MatchTerms,
): WorkItem {
  return {
    ...identity,
    eventType: event.type,
    acceptedAtMs: event.acceptedAtMs,
    attempt: 1,
    release: 0,
    configRevision,
    profile,
    possibleRepeat: mayBeRepeat,
    place,
    event: event.data.length <= inlineBytesMax ? event : undefined,
    traceparent,
    messageId: identity.deliveryId,
    eventTypePrefix,
    isOnly: false,
    terms: undefined,
    followers: NO_FOLLOWERS,
    mayHaveBeenSent: wasInHand,
  };
}

const NO_FOLLOWERS: readonly WorkItem[] = [];
