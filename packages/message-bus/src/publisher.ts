/**
 * A pipelined publisher on core NATS: many publishes in flight, one reply inbox, one timer for all time-outs.
 * The client's own `js.publish()` costs six times the CPU. A publish is repeated under the same id until a definite
 * answer or its deadline; an unknown answer is said to be unknown, never taken for stored.
 */

import { headers, type Msg, nuid } from "@nats-io/nats-core";
import type { BusConnection } from "./connection.ts";

export type PublishRequest = {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** `Nats-Msg-Id`; undefined: every repeat would be stored again. */
  readonly id: string | undefined;
  /** What to send from the second time on, when the payload has to say that it may be a repeat. */
  readonly payloadOfRepeat?: () => Uint8Array;
  /** Only store when the subject's last message has this sequence; 0 means none yet. */
  readonly expectedLastSequence?: number;
};

export type Published =
  /** `duplicate`: the stream already holds a message with this id, at `sequence`. */
  | { readonly kind: "stored"; readonly sequence: number; readonly duplicate: boolean }
  /** The server said no. `stream_full` may pass, `wrong_sequence` means somebody else was first. */
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly message: string }
  /** No definite answer before the deadline: it may be stored or not. */
  | { readonly kind: "unknown" };

export type RefusalCode = "stream_full" | "wrong_sequence" | "other";

/** Publishes in flight at once; further ones wait for a place. */
const WINDOW_MAX = 1_024;
/** Without an answer for this long a publish is sent again. */
const ANSWER_TIMEOUT_MS = 2_000;
const TIMER_MS = 100;
/** After "no responders" (no leader, stream not there yet) the server gets this long. */
const UNAVAILABLE_WAIT_MS = 200;

const WRONG_LAST_SEQUENCE = 10071;
const STILL_BEING_STORED = 10158;
const FULL_DESCRIPTIONS = /maximum (bytes|messages)|insufficient (storage|resources)/i;

type Entry = {
  readonly request: PublishRequest;
  readonly deadlineAtMs: number;
  readonly resolve: (published: Published) => void;
  resendAtMs: number;
  wasSent: boolean;
};

export type PublisherOptions = {
  /** Told of every refusal that `publishUntilStored` meets and waits out, such as a full stream. */
  readonly onRefused?: (subject: string, message: string) => void;
};

export class Publisher implements Disposable {
  readonly #connection: BusConnection;
  readonly #options: PublisherOptions;
  readonly #inbox = `_INBOX.${nuid.next()}.`;
  readonly #inFlight = new Map<string, Entry>();
  /** For a place in the window, in the order of the calls. */
  readonly #waiting = new Set<Entry>();
  /** Undefined while nothing waits for an answer: a process at rest is not to be woken ten times a second. */
  #timer: NodeJS.Timeout | undefined;
  readonly #stopListening: () => void;
  readonly #unsubscribe: () => void;
  #lastToken = 0;
  #isClosed = false;

  constructor(connection: BusConnection, options: PublisherOptions = {}) {
    this.#connection = connection;
    this.#options = options;
    const subscription = connection.nats.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#onAnswer(message);
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    this.#stopListening = connection.onStateChange((state) => {
      if (state === "connected") for (const entry of this.#inFlight.values()) entry.resendAtMs = 0;
    });
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** @param deadlineMs from now; undefined: until there is a definite answer, however long that takes. */
  async publish(request: PublishRequest, deadlineMs?: number): Promise<Published> {
    const deadlineAtMs = deadlineMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + deadlineMs;
    if (this.#isClosed) throw new Error("the publisher is closed");
    return new Promise((resolve) => {
      this.#waiting.add({ request, deadlineAtMs, resolve, resendAtMs: 0, wasSent: false });
      this.#fillWindow();
      this.#timer ??= setInterval(() => this.#onTimer(performance.now()), TIMER_MS).unref();
    });
  }

  /** Repeats until the message is stored, however long a full stream or an outage lasts; rejects once closed. */
  async publishUntilStored(request: PublishRequest): Promise<{ sequence: number; duplicate: boolean }> {
    for (;;) {
      const published = await this.publish(request);
      if (published.kind === "stored") return published;
      if (published.kind === "refused") this.#options.onRefused?.(request.subject, published.message);
      await new Promise((resolve) => setTimeout(resolve, UNAVAILABLE_WAIT_MS));
    }
  }

  /** What has no answer becomes unknown; later publishes are refused. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#stopTimer();
    this.#stopListening();
    this.#unsubscribe();
    for (const entry of this.#waiting) entry.resolve({ kind: "unknown" });
    this.#waiting.clear();
    for (const token of this.#inFlight.keys()) this.#settle(token, { kind: "unknown" });
  }

  #fillWindow(): void {
    for (const entry of this.#waiting) {
      if (this.#inFlight.size >= WINDOW_MAX) return;
      this.#waiting.delete(entry);
      this.#lastToken += 1;
      const token = this.#lastToken.toString(36);
      this.#inFlight.set(token, entry);
      if (this.#connection.isConnected) this.#send(token, entry, performance.now());
    }
  }

  /** What the client does not take, a message above the server's limit, is refused: no repeat would mend it. */
  #send(token: string, entry: Entry, nowMs: number): void {
    entry.resendAtMs = nowMs + ANSWER_TIMEOUT_MS;
    const { subject, id, expectedLastSequence, payloadOfRepeat } = entry.request;
    const payload = entry.wasSent && payloadOfRepeat !== undefined ? payloadOfRepeat() : entry.request.payload;
    const messageHeaders = headers();
    if (id !== undefined) messageHeaders.set("Nats-Msg-Id", id);
    if (expectedLastSequence !== undefined) {
      messageHeaders.set("Nats-Expected-Last-Subject-Sequence", String(expectedLastSequence));
    }
    try {
      this.#connection.nats.publish(subject, payload, { reply: this.#inbox + token, headers: messageHeaders });
      entry.wasSent = true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#settle(token, { kind: "refused", code: "other", message });
    }
  }

  #onAnswer(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const entry = this.#inFlight.get(token);
    if (entry === undefined) return;
    const answer = readAnswer(message);
    if (answer.kind === "unavailable") entry.resendAtMs = performance.now() + UNAVAILABLE_WAIT_MS;
    else this.#settle(token, answer);
  }

  #onTimer(nowMs: number): void {
    for (const [token, entry] of this.#inFlight) {
      if (entry.deadlineAtMs <= nowMs) this.#settle(token, { kind: "unknown" });
      else if (entry.resendAtMs <= nowMs && this.#connection.isConnected) this.#send(token, entry, nowMs);
    }
    for (const entry of this.#waiting) {
      if (entry.deadlineAtMs <= nowMs && this.#waiting.delete(entry)) entry.resolve({ kind: "unknown" });
    }
    if (this.#inFlight.size === 0 && this.#waiting.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #settle(token: string, published: Published): void {
    const entry = this.#inFlight.get(token);
    this.#inFlight.delete(token);
    entry?.resolve(published);
    this.#fillWindow();
  }
}

type Answer = Published | { readonly kind: "unavailable" };

type PubAck = {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
};

function readAnswer(message: Msg): Answer {
  if (message.headers?.code === 503) return { kind: "unavailable" };
  const ack: PubAck = JSON.parse(message.string());
  if (ack.error === undefined) {
    // A cluster knows the id from a publish that it has not agreed on yet, and may still lose: not an answer.
    if (ack.duplicate === true && ack.seq === 0) return { kind: "unavailable" };
    return { kind: "stored", sequence: ack.seq ?? 0, duplicate: ack.duplicate === true };
  }
  const description = ack.error.description ?? "";
  if (ack.error.err_code === WRONG_LAST_SEQUENCE)
    return { kind: "refused", code: "wrong_sequence", message: description };
  if (FULL_DESCRIPTIONS.test(description)) return { kind: "refused", code: "stream_full", message: description };
  if (ack.error.code === 503 || ack.error.err_code === STILL_BEING_STORED) return { kind: "unavailable" };
  return { kind: "refused", code: "other", message: description };
}
