/** What the world sees of a run: what was stored and sent, and when. The invariants are judged by this and by the tables. */

import { decodeEventGroup, decodeLogEvents, decodeWork } from "@posthorn/contracts";
import {
  type AcceptedEvent,
  type DeliveryId,
  type LogEvent,
  logEventId,
  type WebhookConfig,
  type WorkItem,
  workIdOf,
} from "@posthorn/domain";
import type { BrokerWatch } from "./broker-model.ts";
import type { Stored } from "./stream-model.ts";

/** A webhook's configuration from this moment of the world on; undefined: it is deleted. */
export type ConfigStep = { readonly order: number; readonly webhook: WebhookConfig | undefined };

export type AcceptedAt = { readonly event: AcceptedEvent; readonly order: number };

/** A request on its way to a receiver. */
export type Departure = {
  readonly dispatcher: string;
  readonly item: WorkItem;
  readonly order: number;
  /** It says of itself that it may be a repeat. */
  readonly isMarked: boolean;
  /** What the fence was asked at last, if it was asked for this. */
  readonly question: Question | undefined;
};

export type Question = { readonly order: number; answer: "settled" | "open" | "unknown" | undefined };

export class Observations implements Omit<BrokerWatch, "acknowledged"> {
  /** Counts what is worth an order: two things never happen at one moment. */
  order = 0;
  readonly accepted: AcceptedAt[] = [];
  readonly configuration = new Map<string, ConfigStep[]>();
  readonly departures: Departure[] = [];
  /** When the first outcome of an attempt came to stand in the log, by delivery and attempt. */
  readonly outcomes = new Map<string, number>();
  /** Deliveries that the reconciler made a work item for. */
  readonly reconciled: string[] = [];
  /** When the broker may have forgotten what it had handed out to whom. */
  readonly forgotten: number[] = [];
  readonly problems: string[] = [];
  readonly questions = new Map<string, Question>();
  /** Told of each event that comes to stand in the log. */
  onLogged: (event: LogEvent) => void = () => {};

  /** Told of each message that is stored, by its stream, and of each request. */
  onCount: (what: string) => void = () => {};

  next(): number {
    this.order += 1;
    return this.order;
  }

  departed(departure: Departure): void {
    this.departures.push(departure);
    this.onCount("request");
  }

  bug(problem: string): void {
    this.problems.push(problem);
  }

  stored(stream: string, { data }: Stored): void {
    const order = this.next();
    this.onCount(stream);
    if (stream === "INGEST") {
      const group = decodeEventGroup(data);
      if (group.kind === "decoded") for (const event of group.value) this.accepted.push({ event, order });
    }
    if (stream !== "LOG") return;
    const events = decodeLogEvents(data);
    if (events.kind === "undecodable") this.bug(`a log message cannot be read: ${events.reason}`);
    for (const event of events.kind === "decoded" ? events.value : []) {
      if (event.kind === "attempt.succeeded" || event.kind === "attempt.failed") {
        const key = attemptKey(event.deliveryId, event.attempt.number);
        if (!this.outcomes.has(key)) this.outcomes.set(key, order);
      }
      this.onLogged(event);
    }
  }

  /** An id stands for one piece of work: what a stream takes for a repeat must be one. */
  duplicate(stream: string, held: Stored, data: Uint8Array): void {
    if (stream !== "DELIVER" && stream !== "RETRY") return;
    const [before, now] = [workIn(held.data), workIn(data)];
    if (before !== now) this.bug(`I1: ${stream} took ${now} for a repeat of ${before}, and it was never queued`);
  }
}

export function attemptKey(deliveryId: DeliveryId, attempt: number): string {
  return `${deliveryId}:${attempt}`;
}

/** What a message says, in short. */
export function contentOf(stream: string, data: Uint8Array): string {
  if (stream === "DELIVER" || stream === "RETRY") return workIn(data);
  if (stream === "INGEST") {
    const group = decodeEventGroup(data);
    return group.kind === "decoded" ? group.value.map(({ id, type }) => `${type} ${id}`).join(", ") : "unreadable";
  }
  const log = stream === "LOG" ? decodeLogEvents(data) : undefined;
  return log?.kind === "decoded" ? log.value.map(logEventId).join(", ") : `${data.length} bytes`;
}

function workIn(data: Uint8Array): string {
  const work = decodeWork(data);
  if (work.kind === "undecodable") return "something unreadable";
  return work.value
    .map((item) => (item.kind === "decoded" ? workIdsOf(item.value) : "something unreadable"))
    .join(" and ");
}

function workIdsOf({ deliveryId, attempt, release, followers }: WorkItem): string {
  return [{ deliveryId, attempt, release }, ...followers]
    .map((item) => workIdOf(item.deliveryId, item.attempt, item.release))
    .join("+");
}
