/**
 * What follows from one event and the webhooks that it goes to: a line of the log for each, and a work item for each
 * that is to be delivered. An event that nobody wanted leaves a line that says so.
 */

import {
  type AcceptedEvent,
  type DeliveryIdentity,
  decide,
  deliveryIdOf,
  type EventFacts,
  type LogEvent,
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
};

export type Match = PlacedEvent & {
  readonly subscriptions: readonly Subscription[];
  /** Of the span that the deliveries continue. */
  readonly traceparent: string;
};

/** A line of the log, and the work that follows from it. */
export type Entry = { readonly log: LogEvent; readonly item: WorkItem | undefined };

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
  const { event, place, subscriptions } = match;
  const facts = factsOf(event, place);
  const { orgId, id: eventId } = event;
  if (subscriptions.length === 0) {
    const log: LogEvent = { kind: "event.unmatched", orgId, eventId, atMs: terms.nowMs, event: facts };
    yield { log, item: undefined };
    return;
  }
  for (const subscription of subscriptions) {
    const { webhookId, profile, isActive } = subscription;
    const identity = { orgId, eventId, webhookId, deliveryId: deliveryIdOf(eventId, webhookId) };
    const command = { kind: "create", event: facts, profile, webhookIsActive: isActive } as const;
    for (const log of decide(identity, command, UNKNOWN_DELIVERY, terms.nowMs)) {
      yield {
        log,
        item: log.kind === "delivery.created" ? firstAttempt(identity, match, subscription, terms) : undefined,
      };
    }
  }
}

function factsOf(event: AcceptedEvent, place: PayloadPlace): EventFacts {
  const { type, timestamp, acceptedAtMs, callerId, traceparent } = event;
  return { type, timestamp, acceptedAtMs, callerId, place, traceparent };
}

function firstAttempt(
  identity: DeliveryIdentity,
  { event, place, mayBeRepeat, traceparent }: Match,
  { profile }: Subscription,
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
  };
}
