/**
 * Folds a batch of one partition's log messages into the rows to write. Whatever way a log is cut into batches, the
 * rows come out the same, and messages that are read again change nothing.
 */

import {
  type AttemptFailed,
  type AttemptSucceeded,
  type ConfigurationChanged,
  type DeliveryFact,
  type DeliveryId,
  type EventFacts,
  type EventId,
  evolveHealth,
  type FactOf,
  type HealthEvent,
  type LogFact,
  logEventId,
  type OrganisationEvent,
  type OrgId,
  type ReplayId,
  UNKNOWN_HEALTH,
  type WebhookDisabled,
  type WebhookHealth,
  type WebhookId,
} from "@posthorn/domain";
import type { LogPosition } from "./checkpoint.ts";
import { applyEvent, type DeliveryRecord, stateOf } from "./delivery-record.ts";
import { applyReplayEvent, type ReplayRecord } from "./replay-record.ts";
import { type RetryDue, retryDueChange } from "./retry-due.ts";

type Outcome = FactOf<AttemptSucceeded | AttemptFailed>;

export type LogMessage = { readonly position: LogPosition; readonly events: readonly LogFact[] };

export type EventRow = {
  readonly eventId: EventId;
  readonly orgId: OrgId;
  readonly facts: EventFacts;
  /** By the matcher, which comes to each event once, but for repeats; replays tell of events that are known. */
  readonly isFromMatching: boolean;
};

export type DisablingRow = Omit<WebhookDisabled, "kind">;
export type AuditRow = Omit<ConfigurationChanged, "kind">;

export type HealthRow = { readonly webhookId: WebhookId; readonly orgId: OrgId; readonly health: WebhookHealth };

/** The rows that a batch is about, as they are before it. */
export type CurrentRows = {
  readonly deliveries: ReadonlyMap<DeliveryId, DeliveryRecord>;
  readonly health: ReadonlyMap<WebhookId, WebhookHealth>;
  readonly replays: ReadonlyMap<ReplayId, ReplayRecord>;
};

/**
 * The rows to write. Those of deliveries and events are in the order of the log. Rows of `events`, `webhook_disablings`
 * and `audit` that exist already stay as they are.
 */
export type ProjectionChanges = {
  readonly deliveries: readonly DeliveryRecord[];
  readonly events: readonly EventRow[];
  readonly retryDue: readonly RetryDue[];
  readonly retryDueDeleted: readonly DeliveryId[];
  readonly health: readonly HealthRow[];
  readonly replays: readonly ReplayRecord[];
  readonly disablings: readonly DisablingRow[];
  readonly audit: readonly AuditRow[];
  /** Attempts that turned out to have been made more than once. */
  readonly repeats: number;
};

/** Whose current rows the fold of a batch needs. */
export type AffectedKeys = {
  readonly deliveries: readonly DeliveryId[];
  readonly webhooks: readonly WebhookId[];
  readonly replays: readonly ReplayId[];
  /** Of the deliveries, those whose first event here is the one that makes them. */
  readonly born: ReadonlySet<DeliveryId>;
};

export function keysAffectedBy(messages: readonly LogMessage[]): AffectedKeys {
  const deliveries = new Set<DeliveryId>();
  const webhooks = new Set<WebhookId>();
  const replays = new Set<ReplayId>();
  const born = new Set<DeliveryId>();
  for (const { events } of messages) {
    for (const event of events) {
      if ("deliveryId" in event && !deliveries.has(event.deliveryId)) {
        deliveries.add(event.deliveryId);
        if (event.kind === "delivery.created" || event.kind === "delivery.skipped") born.add(event.deliveryId);
      }
      if (isOfHealth(event)) webhooks.add(event.webhookId);
      if ("replayId" in event) replays.add(event.replayId);
    }
  }
  return { deliveries: [...deliveries], webhooks: [...webhooks], replays: [...replays], born };
}

export function foldBatch(messages: readonly LogMessage[], current: CurrentRows): ProjectionChanges {
  const fold = startFold(current);
  for (const { position, events } of messages) {
    for (const event of events) {
      noteEvent(fold, event);
      if ("deliveryId" in event) foldDeliveryEvent(fold, event, position);
      else if (event.kind !== "event.unmatched") foldOrganisationEvent(fold, event);
    }
  }
  return changesOf(fold);
}

type Fold = {
  readonly current: CurrentRows;
  readonly deliveries: Map<DeliveryId, DeliveryRecord>;
  readonly events: Map<EventId, EventRow>;
  readonly health: Map<WebhookId, HealthRow>;
  readonly replays: Map<ReplayId, ReplayRecord>;
  readonly disablings: Map<string, DisablingRow>;
  readonly audit: Map<string, AuditRow>;
  repeats: number;
};

function startFold(current: CurrentRows): Fold {
  return {
    current,
    deliveries: new Map(),
    events: new Map(),
    health: new Map(),
    replays: new Map(),
    disablings: new Map(),
    audit: new Map(),
    repeats: 0,
  };
}

function noteEvent(fold: Fold, event: LogFact): void {
  if (!("event" in event) || fold.events.has(event.eventId)) return;
  const { eventId, orgId, event: facts } = event;
  const isFromMatching = event.kind === "event.unmatched" || event.origin.kind === "match";
  fold.events.set(eventId, { eventId, orgId, facts, isFromMatching });
}

function foldDeliveryEvent(fold: Fold, event: DeliveryFact, position: LogPosition): void {
  const before = fold.deliveries.get(event.deliveryId) ?? fold.current.deliveries.get(event.deliveryId);
  const after = applyEvent(before, event, position);
  if (isOutcome(event)) noteOutcome(fold, event, before, after);
  if (after !== undefined && after !== before) fold.deliveries.set(event.deliveryId, after);
}

function noteOutcome(
  fold: Fold,
  event: Outcome,
  before: DeliveryRecord | undefined,
  after: DeliveryRecord | undefined,
): void {
  const old = stateOf(before).progress;
  const now = stateOf(after).progress;
  fold.repeats += now.repeatedAttempts - old.repeatedAttempts;
  // Only an outcome that counted says something new of the receiver; this is what keeps a second reading harmless.
  if (now.attemptCount === old.attemptCount) return;
  foldHealth(fold, event);
}

function foldOrganisationEvent(fold: Fold, event: OrganisationEvent): void {
  switch (event.kind) {
    case "circuit.opened":
    case "circuit.closed":
      foldHealth(fold, event);
      break;
    case "replay.started":
    case "replay.progressed":
    case "replay.finished": {
      const before = fold.replays.get(event.replayId) ?? fold.current.replays.get(event.replayId);
      const after = applyReplayEvent(before, event);
      if (after !== undefined && after !== before) fold.replays.set(event.replayId, after);
      break;
    }
    case "webhook.disabled": {
      // Several dispatchers may judge one version: the first one's word stays, within a batch as between batches.
      const id = logEventId(event);
      if (!fold.disablings.has(id)) fold.disablings.set(id, event);
      break;
    }
    case "configuration.changed":
      fold.audit.set(event.changeId, event);
      break;
    default:
      event satisfies never;
  }
}

function foldHealth(fold: Fold, event: HealthEvent): void {
  const { webhookId, orgId } = event;
  const before = fold.health.get(webhookId)?.health ?? fold.current.health.get(webhookId);
  const health = evolveHealth(before ?? UNKNOWN_HEALTH, event);
  if (health !== (before ?? UNKNOWN_HEALTH)) fold.health.set(webhookId, { webhookId, orgId, health });
}

function changesOf(fold: Fold): ProjectionChanges {
  const deliveries = [...fold.deliveries.values()];
  const retryDue: RetryDue[] = [];
  const retryDueDeleted: DeliveryId[] = [];
  for (const record of deliveries) {
    const change = retryDueChange(fold.current.deliveries.get(record.deliveryId), record);
    if (change.kind === "set") retryDue.push(change.row);
    if (change.kind === "delete") retryDueDeleted.push(record.deliveryId);
  }
  return {
    deliveries,
    events: [...fold.events.values()],
    retryDue,
    retryDueDeleted,
    health: [...fold.health.values()],
    replays: [...fold.replays.values()],
    disablings: [...fold.disablings.values()],
    audit: [...fold.audit.values()],
    repeats: fold.repeats,
  };
}

function isOfHealth(event: LogFact): event is HealthEvent {
  return isOutcome(event) || event.kind === "circuit.opened" || event.kind === "circuit.closed";
}

function isOutcome(event: LogFact): event is Outcome {
  return event.kind === "attempt.succeeded" || event.kind === "attempt.failed";
}
