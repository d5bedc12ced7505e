/**
 * One lane of a partition of a work stream: keeps what was pulled and not taken yet, and knows which messages are still ours.
 * A lease ends with its time, and with the connection: a server that was killed may have forgotten what it had handed
 * out, and give it to another process.
 */

import type { Msg } from "@nats-io/nats-core";
import type { BusConnection } from "./connection.ts";
import { DurableConsumer } from "./durable-consumer.ts";
import type { Beginning } from "./durable-health.ts";
import type { ConsumerRelief } from "./durable-progress.ts";
import { LaneAnswers } from "./lane-answers.ts";
import { durableOf, type LaneName, type StreamName, subjectOf, type WorkerName } from "./names.ts";
import { PullSubscription } from "./pull-subscription.ts";
import { readDeliveryFacts, type TakenMessage } from "./stored-message.ts";

export type WorkLaneOptions = {
  readonly stream: StreamName;
  readonly worker: WorkerName;
  readonly partition: number;
  readonly lane: LaneName;
  readonly prefetchMax: number;
  readonly leaseMs: number;
  readonly firstFrom?: Beginning | undefined;
  readonly onMessage: () => void;
  readonly onTrouble: (reason: string) => void;
  /** Between looks at a durable whose messages are waited for in vain. */
  readonly lookEveryMs: number;
  /** Told of everything that was done to a durable that handed out nothing of what it owed. */
  readonly onRelieved: (relief: ConsumerRelief) => void;
};

/** The server waits this much longer than we trust a lease: a message is on its way for a while. */
const SERVER_LEASE_SHARE = 1.1;
/** What waits here with less of its lease left is extended: a process that stood still for a moment loses nothing. */
const RENEW_SHARE = 0.5;
/**
 * No lease of a message can have run out before it is as old as one: what is younger and was handed out before was
 * handed back unbegun. Half of that, because the server's clock is not ours.
 */
const YOUNG_SHARE = 0.5;
/** Beginning anew costs the messages in hand, so silence is borne for a while. */
const HEARTBEAT_MS = 5_000;
const RECOVERY_WAIT_MS = 500;
/** How much a durable that is deleted hands out once more. */
const REMEMBER_EVERY_MS = 2_000;
const NANOS_PER_MS = 1_000_000;

const ACK = Buffer.from("+ACK");
const WORKING = Buffer.from("+WPI");

/** Everything that was handed out over one connection. */
type Tenure = { isOver: boolean };

export class WorkLane implements Disposable {
  readonly partition: number;
  readonly lane: LaneName;
  /** Of its durable. */
  readonly consumer: string;
  readonly #connection: BusConnection;
  readonly #options: WorkLaneOptions;
  readonly #durable: DurableConsumer;
  readonly #pull: PullSubscription;
  readonly #waiting: TakenMessage[] = [];
  readonly #answers: LaneAnswers;
  #tenure: Tenure = { isOver: false };
  /** Up to this sequence the stream had been filled when we last began to pull. Infinite until known. */
  #knownUpTo = Number.POSITIVE_INFINITY;
  /** The highest sequence that came in since then: the server goes back behind it only when it errs (2.9 may). */
  #newestSequence = 0;
  /** When the event loop was last seen to turn: a message that is read now came in later than that. */
  #turnedAtMs = performance.now();
  #rememberedAtMs = performance.now();
  /** Of the last message, or of the last look for why there was none. */
  #lookedAtMs = performance.now();
  #starts = 0;
  #isOpen = true;

  constructor(connection: BusConnection, options: WorkLaneOptions) {
    const { stream, worker, partition, lane, prefetchMax, leaseMs } = options;
    this.partition = partition;
    this.lane = lane;
    this.consumer = durableOf(worker, stream, partition, lane);
    this.#connection = connection;
    this.#options = options;
    this.#answers = new LaneAnswers(connection);
    this.#durable = new DurableConsumer(connection, {
      stream,
      name: this.consumer,
      subject: subjectOf(stream, partition, lane),
      ackWaitMs: leaseMs * SERVER_LEASE_SHARE,
      firstFrom: options.firstFrom,
      onTrouble: options.onTrouble,
    });
    this.#pull = new PullSubscription(connection, {
      stream,
      consumer: this.consumer,
      windowMax: prefetchMax,
      heartbeatMs: HEARTBEAT_MS,
      onMessage: (message) => this.#receive(message),
      onTrouble: (reason) => {
        options.onTrouble(`${this.consumer}: ${reason}`);
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
    if (nowMs - this.#rememberedAtMs > REMEMBER_EVERY_MS && this.#connection.isConnected) {
      this.#rememberedAtMs = nowMs;
      void this.#durable.remember();
    }
    if (nowMs - this.#lookedAtMs > this.#options.lookEveryMs && this.#pull.isAsking) {
      this.#lookedAtMs = nowMs;
      void this.#relieve();
    }
    this.#renewWaiting(nowMs);
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
    this.#options.onTrouble(`${this.consumer}: another server leads the consumer`);
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
    this.#answers.holdBack();
    this.#connection.finishBeforeClose(this.#letGo());
  }

  #renewWaiting(nowMs: number): void {
    const renewBelowMs = this.#options.leaseMs * RENEW_SHARE;
    for (const message of this.#waiting) {
      const leftMs = message.leaseEndsAtMs() - nowMs;
      if (leftMs > 0 && leftMs < renewBelowMs) message.working();
    }
  }

  /** Asking for its state makes the server look who still waits for messages. */
  async #letGo(): Promise<void> {
    await this.#pull.stop();
    if (!this.#connection.isConnected) return;
    await this.#connection.manager.consumers.info(this.#options.stream, this.consumer).catch(() => undefined);
    this.#answers.release();
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
    this.#answers.holdBack();
    this.#pull.taken(this.#waiting.splice(0).length);
  }

  /** Whatever was done, what comes afterwards may be a repeat, as after any change of the leader. */
  async #relieve(): Promise<void> {
    const relief = await this.#durable.relieve();
    if (relief === undefined) return;
    this.#options.onRelieved(relief);
    this.disconnected();
    void this.#startOver();
  }

  /** What was stored before it pulls may be a repeat. */
  async #start(start: number): Promise<void> {
    const lastSequence = await this.#durable.ensure();
    if (start !== this.#starts || !this.#isOpen) return;
    this.#knownUpTo = lastSequence;
    this.#answers.release();
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
    this.#lookedAtMs = performance.now();
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
    const storedAtMs = facts?.storedAtMs ?? 0;
    const wasHandedOut = (facts?.deliveryCount ?? 2) > 1;
    const isErring = !wasHandedOut && sequence <= this.#newestSequence;
    this.#newestSequence = Math.max(this.#newestSequence, sequence);
    this.#durable.received(sequence, storedAtMs);
    let timeEndsAtMs = this.#turnedAtMs + leaseMs;
    const isOurs = () => !tenure.isOver && performance.now() < timeEndsAtMs;
    return {
      subject: message.subject,
      data: message.data,
      sequence,
      storedAtMs,
      partition: this.partition,
      lane: this.lane,
      isRedelivered: isErring || (wasHandedOut && !isYoung(storedAtMs, leaseMs)),
      mayBeRepeat: wasHandedOut || isErring || sequence <= this.#knownUpTo,
      leaseEndsAtMs: () => (tenure.isOver ? 0 : timeEndsAtMs),
      ack: () => this.#answers.send(reply, ACK),
      giveBack: (delayMs) => {
        if (isOurs()) this.#answers.handBack(reply, Buffer.from(`-NAK {"delay": ${delayMs * NANOS_PER_MS}}`));
      },
      working: () => {
        if (!this.#connection.isConnected) return;
        this.#connection.nats.publish(reply, WORKING);
        if (isOurs()) timeEndsAtMs = performance.now() + leaseMs;
      },
    };
  }
}

function isYoung(storedAtMs: number, leaseMs: number): boolean {
  const ageMs = Date.now() - storedAtMs;
  return ageMs >= 0 && ageMs < leaseMs * YOUNG_SHARE;
}
