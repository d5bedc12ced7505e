/**
 * One partition of a work stream: keeps what was pulled and not taken yet, and knows which messages are still ours.
 * A lease ends with its time, and with the connection: a server that was killed may have forgotten what it had handed
 * out, and give it to another process.
 */

import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import type { BusConnection } from "./connection.ts";
import { durableOf, type StreamName, subjectOf, type WorkerName } from "./names.ts";
import { PullSubscription } from "./pull-subscription.ts";
import { readDeliveryFacts, type TakenMessage } from "./stored-message.ts";

export type WorkLaneOptions = {
  readonly stream: StreamName;
  readonly worker: WorkerName;
  readonly partition: number;
  readonly prefetchMax: number;
  readonly leaseMs: number;
  readonly onMessage: () => void;
  readonly onTrouble: (reason: string) => void;
};

/** Unacknowledged messages of one durable over all processes. Far above what the processes hold. */
const ACK_PENDING_MAX = 20_000;
/** The server waits this much longer than we trust a lease: a message is on its way for a while. */
const SERVER_LEASE_SHARE = 1.1;
/** Beginning anew costs the messages in hand, so silence is borne for a while. */
const HEARTBEAT_MS = 5_000;
const RECOVERY_WAIT_MS = 500;
const NANOS_PER_MS = 1_000_000;

const ACK = Buffer.from("+ACK");
const WORKING = Buffer.from("+WPI");

/** Everything that was handed out over one connection. */
type Tenure = { isOver: boolean };

export class WorkLane implements Disposable {
  readonly partition: number;
  readonly #connection: BusConnection;
  readonly #options: WorkLaneOptions;
  readonly #pull: PullSubscription;
  readonly #waiting: TakenMessage[] = [];
  /** Answers that could not be sent yet, by the subject that they go to. */
  readonly #owedAnswers = new Map<string, Uint8Array>();
  #tenure: Tenure = { isOver: false };
  /** Up to this sequence the stream had been filled when we last began to pull. Infinite until known. */
  #knownUpTo = Number.POSITIVE_INFINITY;
  /** The highest sequence that came in since then: the server goes back behind it only when it errs (2.9 may). */
  #newestSequence = 0;
  /** False from the end of pulling until the server knows of it. */
  #mayHandBack = false;
  /** When the event loop was last seen to turn: a message that is read now came in later than that. */
  #turnedAtMs = performance.now();
  #starts = 0;
  #isOpen = true;

  constructor(connection: BusConnection, options: WorkLaneOptions) {
    const { stream, worker, partition, prefetchMax } = options;
    this.partition = partition;
    this.#connection = connection;
    this.#options = options;
    this.#pull = new PullSubscription(connection, {
      stream,
      consumer: durableOf(worker, stream, partition),
      windowMax: prefetchMax,
      heartbeatMs: HEARTBEAT_MS,
      onMessage: (message) => this.#receive(message),
      onTrouble: (reason) => {
        options.onTrouble(`${stream} partition ${partition}: ${reason}`);
        this.#endTenure();
        void this.#startOver();
      },
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Makes the durable if it is missing and begins to pull. */
  start(): Promise<void> {
    this.#starts += 1;
    return this.#start(this.#starts);
  }

  /** The oldest message that is still ours. */
  take(): TakenMessage | undefined {
    for (;;) {
      const message = this.#waiting.shift();
      if (message === undefined) return undefined;
      this.#pull.taken(1);
      if (message.leaseEndsAtMs() > performance.now()) return message;
    }
  }

  /** Called from a shared timer. */
  check(nowMs: number): void {
    this.#pull.check(nowMs);
    // What came in while the process was frozen may be read only after this timer: it is not to look fresh.
    setImmediate(() => {
      this.#turnedAtMs = nowMs;
    });
  }

  /**
   * Another server of the cluster hands out the messages now, and may not know what the one before had handed out. A
   * lane that has not begun to pull has nothing to lose.
   */
  leaderChanged(): void {
    if (this.#knownUpTo === Number.POSITIVE_INFINITY) return;
    this.#options.onTrouble(`${this.#options.stream} partition ${this.partition}: another server leads the consumer`);
    this.disconnected();
    void this.#startOver();
  }

  disconnected(): void {
    void this.#pull.stop();
    this.#endTenure();
  }

  reconnected(): void {
    void this.#startOver();
  }

  /** Asks for nothing more; what still arrives is handed back. */
  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.#mayHandBack = false;
    this.#connection.finishBeforeClose(this.#letGo());
  }

  /** Asking for its state makes the server look who still waits for messages. */
  async #letGo(): Promise<void> {
    const { stream, worker, partition } = this.#options;
    await this.#pull.stop();
    if (!this.#connection.isConnected) return;
    await this.#connection.manager.consumers.info(stream, durableOf(worker, stream, partition)).catch(() => undefined);
    this.#payOwedAnswers();
  }

  /**
   * What waits here belongs to nobody any more and comes again, as what may be a repeat, when the server's lease is over.
   * It is not handed back: a server of 2.9 that was restarted may keep what is handed back to it, and never hand it out.
   */
  #endTenure(): void {
    this.#tenure.isOver = true;
    this.#tenure = { isOver: false };
    this.#knownUpTo = Number.POSITIVE_INFINITY;
    this.#newestSequence = 0;
    this.#mayHandBack = false;
    this.#pull.taken(this.#waiting.splice(0).length);
  }

  /** Consumer first, then where the stream ended, then pull: what was stored before may be a repeat. */
  async #start(start: number): Promise<void> {
    const { stream, worker, partition, leaseMs } = this.#options;
    await this.#connection.manager.consumers.add(stream, {
      durable_name: durableOf(worker, stream, partition),
      filter_subject: subjectOf(stream, partition),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: Math.round(leaseMs * SERVER_LEASE_SHARE) * NANOS_PER_MS,
      max_ack_pending: ACK_PENDING_MAX,
      max_deliver: -1,
    });
    const { state } = await this.#connection.manager.streams.info(stream);
    if (start !== this.#starts || !this.#isOpen) return;
    this.#knownUpTo = state.last_seq;
    this.#payOwedAnswers();
    this.#pull.restart();
  }

  async #startOver(): Promise<void> {
    this.#starts += 1;
    const start = this.#starts;
    while (this.#isOpen && this.#connection.isConnected && start === this.#starts) {
      try {
        return await this.#start(start);
      } catch (error) {
        this.#options.onTrouble(error instanceof Error ? error.message : String(error));
        await new Promise((resolve) => setTimeout(resolve, RECOVERY_WAIT_MS));
      }
    }
  }

  #receive(message: Msg): void {
    const taken = this.#takenMessage(message);
    if (this.#isOpen) {
      this.#waiting.push(taken);
      this.#options.onMessage();
    } else {
      taken.giveBack(0);
    }
  }

  #takenMessage(message: Msg): TakenMessage {
    const facts = readDeliveryFacts(message);
    const { leaseMs } = this.#options;
    const tenure = this.#tenure;
    const reply = message.reply ?? "";
    const sequence = facts?.sequence ?? 0;
    const isRedelivered = (facts?.deliveryCount ?? 2) > 1 || sequence <= this.#newestSequence;
    this.#newestSequence = Math.max(this.#newestSequence, sequence);
    let timeEndsAtMs = this.#turnedAtMs + leaseMs;
    const isInTime = () => performance.now() < timeEndsAtMs;
    return {
      subject: message.subject,
      data: message.data,
      sequence,
      storedAtMs: facts?.storedAtMs ?? 0,
      partition: this.partition,
      isRedelivered,
      mayBeRepeat: isRedelivered || sequence <= this.#knownUpTo,
      leaseEndsAtMs: () => (tenure.isOver ? 0 : timeEndsAtMs),
      ack: () => this.#answer(reply, ACK),
      giveBack: (delayMs) => {
        if (isInTime()) this.#handBack(reply, Buffer.from(`-NAK {"delay": ${delayMs * NANOS_PER_MS}}`));
      },
      working: () => {
        if (!this.#connection.isConnected) return;
        this.#connection.nats.publish(reply, WORKING);
        if (!tenure.isOver && isInTime()) timeEndsAtMs = performance.now() + leaseMs;
      },
    };
  }

  /** An answer is not lost with the connection, only with the process. */
  #answer(reply: string, answer: Uint8Array): void {
    if (this.#connection.isConnected) this.#connection.nats.publish(reply, answer);
    else this.#owedAnswers.set(reply, answer);
  }

  /**
   * A server of 2.9 that has something to hand out again, and finds of those who asked only who is gone, forgets it
   * until its lease is over, and hands out the message before it once more as if it were new.
   */
  #handBack(reply: string, answer: Uint8Array): void {
    if (this.#mayHandBack) this.#answer(reply, answer);
    else this.#owedAnswers.set(reply, answer);
  }

  #payOwedAnswers(): void {
    this.#mayHandBack = true;
    const owed = [...this.#owedAnswers];
    this.#owedAnswers.clear();
    for (const [reply, answer] of owed) this.#answer(reply, answer);
  }
}
