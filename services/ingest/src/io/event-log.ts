/**
 * Puts accepted events into the INGEST stream by group commit, and answers each once it is stored. What has not been
 * stored by its deadline is said to be unavailable: it may be stored or not. The number of events that wait for the
 * stream is bounded; beyond it events are refused at once.
 */

import { encodedEventBytes, encodeEventGroup } from "@posthorn/contracts";
import { type AcceptedEvent, ALL_PARTITIONS, type OrgId, partitionOf } from "@posthorn/domain";
import { type BusConnection, type Published, type Publisher, subjectOf } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import type { DedupeKey } from "../core/dedupe-key.ts";
import { type GroupLimits, nextGroupSize } from "../core/group-commit.ts";
import type { RefusalCode } from "../core/refusals.ts";

export type Appended =
  /** `isRepeat`: the stream holds a message under this dedupe key since before, at `sequence`. */
  { readonly kind: "stored"; readonly sequence: number; readonly isRepeat: boolean } | Unavailable;

export type Unavailable = {
  readonly kind: "unavailable";
  readonly code: Extract<RefusalCode, "not_durable" | "stream_full" | "overloaded">;
};

export type EventLogOptions = {
  /** What a message may hold; a single event that is larger is sent all the same. */
  readonly messageBytesMax: () => number;
  readonly onMessageStored: () => void;
  readonly onTrouble: (reason: string) => void;
};

/**
 * From the acceptance of an event to a definite answer. Callers are promised to be told within 3 s that there is none;
 * the second between is for a busy machine.
 */
export const APPEND_DEADLINE_MS = 2_000;

/** Events of one message; more save little and make every reader of one payload fetch its neighbours. */
const GROUP_EVENTS_MAX = 128;
const GROUPS_IN_FLIGHT_MAX = 2;
/** All partitions together leave room in the publisher's window of 1,024. */
const LONE_IN_FLIGHT_MAX = 96;
/** Events that wait for the stream, all partitions together; beyond it the publisher is told to come back. */
const UNSTORED_EVENTS_MAX = 20_000;
const UNSTORED_BYTES_MAX = 64 * 1024 * 1024;
/** Keeps the ids of groups apart from dedupe keys, which begin with an organisation. */
const GROUP_ID_PREFIX = "group:";

type Connection = Pick<BusConnection, "isConnected">;
type MessagePublisher = Pick<Publisher, "publish">;

type Entry = {
  readonly event: AcceptedEvent;
  readonly bytes: number;
  readonly isAlone: boolean;
  readonly messageId: string;
  readonly deadlineAtMs: number;
  readonly resolve: (appended: Appended) => void;
};

type Lane = {
  readonly subject: string;
  readonly waiting: Entry[];
  inFlight: number;
  isFlushDue: boolean;
};

export class EventLog {
  readonly #connection: Connection;
  readonly #publisher: MessagePublisher;
  readonly #options: EventLogOptions;
  readonly #lanes: readonly Lane[];
  #unstoredEvents = 0;
  #unstoredBytes = 0;

  constructor(connection: Connection, publisher: MessagePublisher, options: EventLogOptions) {
    this.#connection = connection;
    this.#publisher = publisher;
    this.#options = options;
    this.#lanes = ALL_PARTITIONS.map((partition) => ({
      subject: subjectOf("INGEST", partition),
      waiting: [],
      inFlight: 0,
      isFlushDue: false,
    }));
  }

  /** Events that were handed in and have no answer yet. */
  get unstoredEvents(): number {
    return this.#unstoredEvents;
  }

  /** @param dedupeKey undefined: the event may share a message with others. */
  append(event: AcceptedEvent, dedupeKey: DedupeKey | undefined): Promise<Appended> {
    if (!this.#connection.isConnected) return Promise.resolve(unavailable("not_durable"));
    const lane = this.#laneOf(event.orgId);
    const bytes = encodedEventBytes(event);
    if (this.#unstoredEvents >= UNSTORED_EVENTS_MAX || this.#unstoredBytes + bytes > UNSTORED_BYTES_MAX) {
      return Promise.resolve(unavailable("overloaded"));
    }
    this.#unstoredEvents += 1;
    this.#unstoredBytes += bytes;
    return new Promise((resolve) => {
      lane.waiting.push({
        event,
        bytes,
        isAlone: dedupeKey !== undefined,
        messageId: dedupeKey ?? GROUP_ID_PREFIX + event.id,
        deadlineAtMs: performance.now() + APPEND_DEADLINE_MS,
        resolve,
      });
      this.#flushSoon(lane);
    });
  }

  #laneOf(org: OrgId): Lane {
    const lane = this.#lanes[partitionOf(org)];
    if (lane === undefined) throw new Error(`no lane for the partition of ${org}`);
    return lane;
  }

  /** Once per turn of the event loop, so that all requests read in one turn share a message. */
  #flushSoon(lane: Lane): void {
    if (lane.isFlushDue) return;
    lane.isFlushDue = true;
    setImmediate(() => {
      lane.isFlushDue = false;
      this.#flush(lane);
    });
  }

  #flush(lane: Lane): void {
    const groupLimits = this.#groupLimits();
    for (;;) {
      const size = nextGroupSize(lane.waiting, lane.inFlight, groupLimits);
      if (size === 0) return;
      lane.inFlight += 1;
      void this.#send(lane, lane.waiting.splice(0, size));
    }
  }

  async #send(lane: Lane, entries: readonly Entry[]): Promise<void> {
    crashPoint("ingest.received");
    const published = await this.#publish(lane.subject, entries);
    if (published.kind === "stored") crashPoint("ingest.stored");
    lane.inFlight -= 1;
    this.#settle(entries, published);
    if (lane.waiting.length > 0) this.#flushSoon(lane);
  }

  async #publish(subject: string, entries: readonly Entry[]): Promise<Published> {
    const [first] = entries;
    const leftMs = (first?.deadlineAtMs ?? 0) - performance.now();
    if (first === undefined || leftMs <= 0) return { kind: "unknown" };
    const payload = encodeEventGroup(entries.map(({ event }) => event));
    try {
      return await this.#publisher.publish({ subject, payload, id: first.messageId }, leftMs);
    } catch (error) {
      return { kind: "refused", code: "other", message: error instanceof Error ? error.message : String(error) };
    }
  }

  #settle(entries: readonly Entry[], published: Published): void {
    if (published.kind === "stored") this.#options.onMessageStored();
    if (published.kind === "refused") this.#options.onTrouble(published.message);
    for (const { bytes, isAlone, resolve } of entries) {
      this.#unstoredEvents -= 1;
      this.#unstoredBytes -= bytes;
      resolve(appendedOf(published, isAlone));
    }
  }

  #groupLimits(): GroupLimits {
    return {
      eventsMax: GROUP_EVENTS_MAX,
      bytesMax: this.#options.messageBytesMax(),
      groupsInFlightMax: GROUPS_IN_FLIGHT_MAX,
      loneInFlightMax: LONE_IN_FLIGHT_MAX,
    };
  }
}

function appendedOf(published: Published, isAlone: boolean): Appended {
  switch (published.kind) {
    case "stored":
      // A group's id is its own: the stream knows it only from our own repeat of the same publish.
      return { kind: "stored", sequence: published.sequence, isRepeat: isAlone && published.duplicate };
    case "refused":
      return unavailable(published.code === "stream_full" ? "stream_full" : "not_durable");
    case "unknown":
      return unavailable("not_durable");
    default:
      return published satisfies never;
  }
}

function unavailable(code: Unavailable["code"]): Unavailable {
  return { kind: "unavailable", code };
}
