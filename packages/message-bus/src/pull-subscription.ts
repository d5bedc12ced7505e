/**
 * Pulls messages from one consumer, with an exact bound on what is held here: requested and not yet arrived plus
 * arrived and not yet taken never exceeds the window. Pull requests are long; an idle consumer costs a heartbeat.
 * Every round of pulling has an inbox of its own: a server that outlived the connection drops what the last one asked.
 */

import { type Msg, nuid } from "@nats-io/nats-core";
import type { BusConnection } from "./connection.ts";

export type PullOptions = {
  readonly stream: string;
  readonly consumer: string;
  readonly windowMax: number;
  /** How often the consumer shows that it is alive; after two and a half it is taken to be lost. */
  readonly heartbeatMs: number;
  /** Messages of an earlier subscription that are still held. */
  readonly heldAtStart?: number;
  readonly onMessage: (message: Msg) => void;
  /** The consumer is gone, or stopped answering. Pulling has ended until `restart` is called. */
  readonly onTrouble: (reason: string) => void;
};

const EXPIRES_MS = 30_000;
/** So many heartbeats missed: the pull request is lost. */
const HEARTBEATS_MISSED_MAX = 2.5;
const NANOS_PER_MS = 1_000_000;
/** A server that keeps refusing pulls is asked again at this pace. */
const REFUSED_WAIT_MS = 250;

const HEARTBEAT = 100;
const EXPIRED = 408;
const NO_RESPONDERS = 503;
/** A consumer that is gone, or whose new leader may have forgotten what the old one had handed out. */
const CONSUMER_LOST = /consumer deleted|stream deleted|consumer not found|leadership change|server shutdown/i;

/** From one start of pulling to its end. */
type Round = {
  readonly inbox: string;
  /** Batch sizes of the pull requests, by token. */
  readonly requests: Map<string, number>;
  /** Messages still to come, over all requests: a delivered message does not say which request it answers. */
  expected: number;
  /** Asks for nothing more. Resolves when what was on its way has arrived. */
  readonly end: () => Promise<void>;
};

export class PullSubscription implements Disposable {
  readonly #connection: BusConnection;
  readonly #options: PullOptions;
  #round: Round | undefined;
  #held: number;
  #lastToken = 0;
  #heardAtMs = 0;
  #pausedUntilMs = 0;

  constructor(connection: BusConnection, options: PullOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#held = options.heldAtStart ?? 0;
  }

  /** Messages were asked for and have not come yet. */
  get isAsking(): boolean {
    return (this.#round?.expected ?? 0) > 0;
  }

  /** Begins to pull, or begins anew: what was requested before is not counted on any more. */
  restart(): void {
    void this.stop();
    const inbox = `_INBOX.${nuid.next()}.`;
    const subscription = this.#connection.nats.subscribe(`${inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(round, message);
      },
    });
    const end = () => subscription.drain().catch(() => undefined);
    const round: Round = { inbox, requests: new Map(), expected: 0, end };
    this.#round = round;
    this.#pull();
  }

  /** Ends pulling until `restart` is called. Resolves when what was on its way has arrived. */
  async stop(): Promise<void> {
    const round = this.#round;
    this.#round = undefined;
    await round?.end();
  }

  /** Says that this many of the delivered messages are no longer held. */
  taken(count: number): void {
    this.#held -= count;
    this.#pull();
  }

  /** Called from a shared timer: notices silence, and ends waiting after a refusal. */
  check(nowMs: number): void {
    if (this.#round === undefined || !this.#connection.isConnected) return;
    const silenceMsMax = this.#options.heartbeatMs * HEARTBEATS_MISSED_MAX;
    if (this.#round.expected > 0 && nowMs - this.#heardAtMs > silenceMsMax) this.#fail("the consumer went silent");
    else this.#pull();
  }

  [Symbol.dispose](): void {
    void this.stop();
  }

  #fail(reason: string): void {
    void this.stop();
    this.#options.onTrouble(reason);
  }

  /** Asks for more when half of the window is free, so that requests stay few. */
  #pull(): void {
    const round = this.#round;
    if (round === undefined) return;
    const free = this.#options.windowMax - round.expected - this.#held;
    if (free < Math.max(1, this.#options.windowMax / 2)) return;
    if (!this.#connection.isConnected || performance.now() < this.#pausedUntilMs) return;
    if (round.expected === 0) this.#heardAtMs = performance.now();
    this.#lastToken += 1;
    const token = this.#lastToken.toString(36);
    round.requests.set(token, free);
    round.expected += free;
    const request = {
      batch: free,
      expires: EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: this.#options.heartbeatMs * NANOS_PER_MS,
    };
    this.#connection.nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.#options.stream}.${this.#options.consumer}`,
      JSON.stringify(request),
      { reply: round.inbox + token },
    );
  }

  #receive(round: Round, message: Msg): void {
    this.#heardAtMs = performance.now();
    // Only status messages are without data; the headers of all others need not be read for it.
    const code = message.data.length > 0 ? 0 : (message.headers?.code ?? 0);
    if (code === 0) this.#deliver(round, message);
    else if (code !== HEARTBEAT && round === this.#round) this.#end(round, message, code);
  }

  /** A message bears its own subject and a reply to acknowledge it; only status messages bear the inbox. */
  #deliver(round: Round, message: Msg): void {
    round.expected = Math.max(0, round.expected - 1);
    if (round.expected === 0) round.requests.clear();
    this.#held += 1;
    this.#options.onMessage(message);
    this.#pull();
  }

  /** An expired request is the ordinary end; everything else says that something is wrong. */
  #end(round: Round, message: Msg, code: number): void {
    const token = message.subject.slice(round.inbox.length);
    const batch = round.requests.get(token);
    if (batch === undefined) return;
    round.requests.delete(token);
    const unanswered = Number(message.headers?.get("Nats-Pending-Messages") || batch);
    round.expected = round.requests.size === 0 ? 0 : Math.max(0, round.expected - unanswered);
    const description = message.headers?.description ?? "";
    if (code === NO_RESPONDERS || CONSUMER_LOST.test(description)) {
      this.#fail(description === "" ? "the consumer does not answer" : description);
      return;
    }
    if (code !== EXPIRED) this.#pausedUntilMs = performance.now() + REFUSED_WAIT_MS;
    this.#pull();
  }
}
