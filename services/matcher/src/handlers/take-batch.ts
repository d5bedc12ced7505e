/**
 * Takes what is there, from all partitions in turn, and reads it: nothing waits for company, and a batch grows by
 * itself while the one before it is under way. What cannot be read is set aside, because it would come again for ever.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import { type AcceptedEvent, partitionOf } from "@posthorn/domain";
import type { TakenMessage, WorkMessage } from "@posthorn/message-bus";
import type { PlacedEvent } from "../core/match-event.ts";
import type { Load, PartitionLoad } from "../core/partition-load.ts";
import type { SubscriptionDirectory } from "../core/subscription-directory.ts";
import type { MatcherEvents } from "../events.ts";

/** Bounds the time for which matching keeps the process busy at a stretch. */
const EVENTS_PER_BATCH_MAX = 2_000;

/** The share of a batch that one partition has: what is logged, published and acknowledged together. */
export type Part = {
  readonly partition: number;
  readonly messages: readonly WorkMessage[];
  readonly events: readonly PlacedEvent[];
  readonly load: Load;
};

export type TakePorts = {
  readonly source: { take(max: number, accepts: (partition: number) => boolean): readonly TakenMessage[] };
  readonly leases: { hold(message: WorkMessage): boolean; release(messages: Iterable<WorkMessage>): void };
  readonly load: PartitionLoad;
  readonly directory: Pick<SubscriptionDirectory, "webhooksFor">;
  readonly events: Pick<MatcherEvents, "setAside" | "leaseLost">;
};

/** @param epochMs of the INGEST stream. */
export function takeBatch(ports: TakePorts, epochMs: number): readonly Part[] {
  const parts = new Map<number, GrowingPart>();
  const accepts = (partition: number) => ports.load.hasRoom(partition, parts.get(partition)?.load);
  let events = 0;
  while (events < EVENTS_PER_BATCH_MAX) {
    const [message] = ports.source.take(1, accepts);
    if (message === undefined) break;
    const placed = readMessage(ports, message, epochMs);
    if (placed.length === 0) continue;
    events += placed.length;
    addTo(parts, message, placed, entriesExpected(ports.directory, placed));
  }
  return [...parts.values()];
}

type GrowingPart = Part & { readonly messages: WorkMessage[]; readonly events: PlacedEvent[]; load: Load };

function addTo(
  parts: Map<number, GrowingPart>,
  message: WorkMessage,
  placed: readonly PlacedEvent[],
  entries: number,
): void {
  const { partition, data } = message;
  let part = parts.get(partition);
  if (part === undefined) {
    part = { partition, messages: [], events: [], load: { entries: 0, bytes: 0 } };
    parts.set(partition, part);
  }
  part.messages.push(message);
  part.events.push(...placed);
  part.load = { entries: part.load.entries + entries, bytes: part.load.bytes + data.length };
}

/** By today's copy of the configuration; it may differ a little from what the batch is matched against. */
function entriesExpected(directory: TakePorts["directory"], placed: readonly PlacedEvent[]): number {
  return placed.reduce((sum, { event }) => sum + Math.max(1, directory.webhooksFor(event.orgId, event.type).length), 0);
}

/** The events of a message to be matched; none when the message is not ours any more or nothing in it is sound. */
function readMessage(ports: TakePorts, message: TakenMessage, epochMs: number): readonly PlacedEvent[] {
  if (!ports.leases.hold(message)) {
    ports.events.leaseLost(1);
    return [];
  }
  const { sequence, mayBeRepeat, isRedelivered: wasInHand } = message;
  const group = decodeEventGroup(message.data);
  if (group.kind === "undecodable") ports.events.setAside({ epochMs, sequence }, group.reason);
  const events = group.kind === "decoded" ? group.value : [];
  const placed = events
    .map((event, index) => ({ event, place: { epochMs, sequence, index }, mayBeRepeat, wasInHand }))
    // A test event is sent by whoever stored it.
    .filter(({ event }) => event.forWebhook === undefined)
    .filter(({ event, place }) => {
      const problem = eventProblem(event, message.partition);
      if (problem !== undefined) ports.events.setAside(place, problem);
      return problem === undefined;
    });
  if (placed.length === 0) {
    message.ack();
    ports.leases.release([message]);
  }
  return placed;
}

/** An organisation's events stand in its own partition; elsewhere they would be logged as somebody else's. */
function eventProblem(event: AcceptedEvent, partition: number): string | undefined {
  const own = partitionOf(event.orgId);
  return own === partition ? undefined : `its organisation belongs to partition ${own}, not ${partition}`;
}
