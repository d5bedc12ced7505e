/**
 * Pulls messages from one consumer, with an exact bound on what is held here: requested and not yet arrived plus
 * arrived and not yet taken never exceeds the window. Pull requests are long; an idle consumer costs a heartbeat.
 */

import { type Msg, nuid } from "@nats-io/nats-core";
import type { BusConnection } from "./connection.ts";

export type PullOptions = {
  readonly stream: string;
  readonly consumer: string;
  readonly windowMax: number;
  /** Messages of an earlier subscription that are still held. */
  readonly heldAtStart?: number;
  readonly onMessage: (message: Msg) => void;
  /** The consumer is gone, or stopped answering. Pulling ends until `restart` is called. */
  readonly onTrouble: (reason: string) => void;
};

const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** Two heartbeats and a half missed: the pull request is lost. */
const SILENCE_MS_MAX = 12_500;
const NANOS_PER_MS = 1_000_000;
/** A server that keeps refusing pulls is asked again at this pace. */
const REFUSED_WAIT_MS = 250;

export class PullSubscription implements Disposable {
  readonly #connection: BusConnection;
  readonly #options: PullOptions;
  readonly #inbox = `_INBOX.${nuid.next()}.`;
  readonly #unsubscribe: () => void;
  /** Batch sizes of the pull requests since the last restart, by token. */
  readonly #requests = new Map<string, number>();
  /** Messages still to come, over all requests: a delivered message does not say which request it answers. */
  #expected = 0;
  #held: number;
  #lastToken = 0;
  #heardAtMs = performance.now();
  #pausedUntilMs = 0;
  #isRunning = false;

  constructor(connection: BusConnection, options: PullOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#held = options.heldAtStart ?? 0;
    const subscription = connection.nats.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** Begins to pull, or begins anew after trouble or a reconnect: what was requested before will not come. */
  restart(): void {
    this.#requests.clear();
    this.#expected = 0;
    this.#heardAtMs = performance.now();
    this.#isRunning = true;
    this.#pull();
  }

  /** Says that this many of the delivered messages are no longer held. */
  taken(count: number): void {
    this.#held -= count;
    this.#pull();
  }

  /** Called from a shared timer: notices silence, and ends waiting after a refusal. */
  check(nowMs: number): void {
    if (!this.#isRunning || !this.#connection.isConnected) return;
    if (this.#expected > 0 && nowMs - this.#heardAtMs > SILENCE_MS_MAX) {
      this.#isRunning = false;
      this.#options.onTrouble("the consumer went silent");
    } else {
      this.#pull();
    }
  }

  [Symbol.dispose](): void {
    this.#isRunning = false;
    this.#unsubscribe();
  }

  /** Asks for more when half of the window is free, so that requests stay few. */
  #pull(): void {
    const free = this.#options.windowMax - this.#expected - this.#held;
    if (!this.#isRunning || free < Math.max(1, this.#options.windowMax / 2)) return;
    if (!this.#connection.isConnected || performance.now() < this.#pausedUntilMs) return;
    if (this.#expected === 0) this.#heardAtMs = performance.now();
    this.#lastToken += 1;
    const token = this.#lastToken.toString(36);
    this.#requests.set(token, free);
    this.#expected += free;
    const request = {
      batch: free,
      expires: EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS,
    };
    this.#connection.nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.#options.stream}.${this.#options.consumer}`,
      JSON.stringify(request),
      { reply: this.#inbox + token },
    );
  }

  #receive(message: Msg): void {
    this.#heardAtMs = performance.now();
    const code = message.headers?.code ?? 0;
    if (code === 0) this.#deliver(message);
    else if (code !== 100) this.#end(message, code);
  }

  /** A message bears its own subject and a reply to acknowledge it; only status messages bear the inbox. */
  #deliver(message: Msg): void {
    this.#expected = Math.max(0, this.#expected - 1);
    if (this.#expected === 0) this.#requests.clear();
    this.#held += 1;
    this.#options.onMessage(message);
    this.#pull();
  }

  /** 408 is the ordinary end of a request; everything else says that something is wrong. */
  #end(message: Msg, code: number): void {
    const token = message.subject.slice(this.#inbox.length);
    const batch = this.#requests.get(token);
    if (batch === undefined) return;
    this.#requests.delete(token);
    const unanswered = Number(message.headers?.get("Nats-Pending-Messages") || batch);
    this.#expected = this.#requests.size === 0 ? 0 : Math.max(0, this.#expected - unanswered);
    const description = message.headers?.description ?? "";
    if (code === 503 || /consumer deleted|stream deleted|consumer not found/i.test(description)) {
      if (!this.#isRunning) return;
      this.#isRunning = false;
      this.#options.onTrouble(description === "" ? "the consumer does not answer" : description);
      return;
    }
    if (code !== 408) this.#pausedUntilMs = performance.now() + REFUSED_WAIT_MS;
    this.#pull();
  }
}
