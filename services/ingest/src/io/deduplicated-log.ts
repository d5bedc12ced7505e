/**
 * Appends an event at most once under a dedupe key. A repeat is answered with the id of the first: from memory, by
 * waiting for a first one that is still on its way, or by reading back the message that the stream says it holds. The
 * repeat of one whose fate is unknown is stored as the same event: a cluster whose leader died may come to keep both.
 */

import { decodeEventGroup } from "@posthorn/contracts";
import type { AcceptedEvent, EventId } from "@posthorn/domain";
import { type BusConnection, messageAt, type StoredMessage } from "@posthorn/message-bus";
import type { DedupeKey } from "../core/dedupe-key.ts";
import { createRecentIds, type RecentEvent, type RecentIds } from "../core/recent-ids.ts";
import { APPEND_DEADLINE_MS, type EventLog, type Unavailable } from "./event-log.ts";

export type AppendedOnce =
  | { readonly kind: "stored"; readonly id: EventId; readonly duplicate: boolean }
  /** The stream knows the key but no longer the message that came under it. */
  | { readonly kind: "unreadable" }
  | Unavailable;

/** Some 300 bytes each. */
const RECENT_IDS_MAX = 50_000;

export class DeduplicatedLog implements Disposable {
  readonly #connection: BusConnection;
  readonly #log: EventLog;
  readonly #recent: RecentIds = createRecentIds(RECENT_IDS_MAX);
  readonly #onTheirWay = new Map<DedupeKey, Promise<AppendedOnce>>();
  readonly #stopListening: () => void;

  constructor(connection: BusConnection, log: EventLog) {
    this.#connection = connection;
    this.#log = log;
    // A server that comes back may have lost its newest messages: from then on the stream is asked again.
    this.#stopListening = connection.onStateChange(() => this.#recent.doubtAll());
  }

  /** @param key undefined: the event has nothing by which a repeat could be recognised. */
  async append(event: AcceptedEvent, key: DedupeKey | undefined): Promise<AppendedOnce> {
    if (key === undefined) {
      const appended = await this.#log.append(event, undefined);
      return appended.kind === "stored" ? stored(event.id, false) : appended;
    }
    const recent = this.#recent.find(key, event.acceptedAtMs);
    if (recent?.isStored === true) return stored(recent.id, true);
    const first = this.#onTheirWay.get(key);
    return first === undefined ? this.#appendFirst(event, key, recent) : repeatOf(await first);
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }

  async #appendFirst(event: AcceptedEvent, key: DedupeKey, earlier: RecentEvent | undefined): Promise<AppendedOnce> {
    const appending = this.#appendAlone(sameEvent(event, earlier), key, earlier !== undefined);
    this.#onTheirWay.set(key, appending);
    try {
      return await appending;
    } finally {
      this.#onTheirWay.delete(key);
    }
  }

  /** @param isTriedBefore an earlier call tried to store the very event. */
  async #appendAlone(event: AcceptedEvent, key: DedupeKey, isTriedBefore: boolean): Promise<AppendedOnce> {
    const deadlineAtMs = performance.now() + APPEND_DEADLINE_MS;
    const { id, acceptedAtMs } = event;
    const appended = await this.#log.append(event, key);
    this.#recent.remember(key, { id, acceptedAtMs, isStored: appended.kind === "stored" && !appended.isRepeat });
    if (appended.kind === "unavailable") return appended;
    if (!appended.isRepeat) return stored(id, false);
    const held = await this.#readBack(appended.sequence, deadlineAtMs - performance.now());
    if (held.kind === "unavailable") return held;
    const first = firstEvent(held.message, event);
    if (first === undefined) return { kind: "unreadable" };
    this.#recent.remember(key, { id: first.id, acceptedAtMs: first.acceptedAtMs, isStored: true });
    // Our own publish, sent twice because the first answer was lost, is no repeat of the caller's.
    return stored(first.id, isTriedBefore || first.id !== id);
  }

  async #readBack(sequence: number, leftMs: number): Promise<HeldMessage> {
    const { promise: tooLate, resolve } = Promise.withResolvers<HeldMessage>();
    const timer = setTimeout(resolve, Math.max(0, leftMs), NOT_READ);
    const reading = messageAt(this.#connection, "INGEST", sequence).then(
      (message): HeldMessage => ({ kind: "held", message }),
      () => NOT_READ,
    );
    try {
      return await Promise.race([reading, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** With the same id and time the same bytes go to every receiver. */
function sameEvent(event: AcceptedEvent, earlier: RecentEvent | undefined): AcceptedEvent {
  return earlier === undefined ? event : { ...event, id: earlier.id, acceptedAtMs: earlier.acceptedAtMs };
}

type HeldMessage = { readonly kind: "held"; readonly message: StoredMessage | undefined } | Unavailable;

const NOT_READ: Unavailable = { kind: "unavailable", code: "not_durable" };

/** The event that was accepted under the key, which is alone in its message; never one of another organisation. */
function firstEvent(message: StoredMessage | undefined, repeat: AcceptedEvent): AcceptedEvent | undefined {
  if (message === undefined) return undefined;
  const group = decodeEventGroup(message.data);
  const [first] = group.kind === "decoded" ? group.value : [];
  return first?.orgId === repeat.orgId ? first : undefined;
}

function repeatOf(first: AppendedOnce): AppendedOnce {
  return first.kind === "stored" ? stored(first.id, true) : first;
}

function stored(id: EventId, duplicate: boolean): AppendedOnce {
  return { kind: "stored", id, duplicate };
}
