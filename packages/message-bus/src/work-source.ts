/**
 * Work from all partitions of a stream, taken in turn, so that a flood in one partition delays no other. Several
 * processes share the durables; each message goes to one of them under a lease that ends by itself.
 */

import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { ALL_PARTITIONS } from "@posthorn/domain";
import type { BusConnection } from "./connection.ts";
import { durableOf, type StreamName, subjectOf, type WorkerName } from "./names.ts";
import { PullSubscription } from "./pull-subscription.ts";
import { readDeliveryFacts, type WorkMessage } from "./stored-message.ts";

export type WorkSourceOptions = {
  readonly stream: StreamName;
  readonly worker: WorkerName;
  /** Messages of one partition held here at most, taken or not acknowledged ones not included. */
  readonly prefetchMax: number;
  /** How long a message is ours without a sign of life. */
  readonly leaseMs: number;
  /** Told when a consumer had to be made anew, and why. */
  readonly onTrouble: (reason: string) => void;
};

export type AcceptsPartition = (partition: number) => boolean;

type Lane = {
  readonly partition: number;
  readonly waiting: WorkMessage[];
  readonly pull: PullSubscription;
  /** Up to this sequence the stream had been filled when we last (re)connected. Infinite until known. */
  known: { lastSequence: number };
};

/** Unacknowledged messages of one durable over all processes. Far above what the processes hold. */
const ACK_PENDING_MAX = 20_000;
const CHECK_MS = 500;
const NANOS_PER_MS = 1_000_000;
const RECOVERY_WAIT_MS = 500;

const ACK = Buffer.from("+ACK");
const WORKING = Buffer.from("+WPI");
const acceptsAll: AcceptsPartition = () => true;

export class WorkSource implements Disposable {
  readonly #connection: BusConnection;
  readonly #options: WorkSourceOptions;
  readonly #lanes: readonly Lane[];
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #next = 0;
  #wake: (() => void) | undefined;
  #isOpen = true;

  private constructor(connection: BusConnection, options: WorkSourceOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#lanes = ALL_PARTITIONS.map((partition) => this.#openLane(partition));
    this.#timer = setInterval(() => {
      for (const lane of this.#lanes) lane.pull.check(performance.now());
    }, CHECK_MS);
    this.#stopListening = connection.onStateChange((state) => {
      for (const lane of this.#lanes) {
        lane.known = { lastSequence: Number.POSITIVE_INFINITY };
        if (state === "connected") void this.#recover(lane);
      }
    });
  }

  /** Makes the durables if they are missing and begins to pull. */
  static async open(connection: BusConnection, options: WorkSourceOptions): Promise<WorkSource> {
    const source = new WorkSource(connection, options);
    await Promise.all(source.#lanes.map((lane) => source.#start(lane)));
    return source;
  }

  /**
   * Up to `max` waiting messages, one partition after the other; none when nothing waits.
   * @param accepts partitions to take from, when not from all.
   */
  take(max: number, accepts: AcceptsPartition = acceptsAll): WorkMessage[] {
    const taken: WorkMessage[] = [];
    let empty = 0;
    while (taken.length < max && empty < this.#lanes.length) {
      const lane = this.#lanes[this.#next % this.#lanes.length];
      this.#next += 1;
      const message = lane !== undefined && accepts(lane.partition) ? lane.waiting.shift() : undefined;
      if (lane === undefined || message === undefined) {
        empty += 1;
        continue;
      }
      empty = 0;
      lane.pull.taken(1);
      taken.push(message);
    }
    return taken;
  }

  get waiting(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.waiting.length, 0);
  }

  /** Resolves when something waits in a partition that is accepted, or the source is closed. One caller at a time. */
  async available(accepts: AcceptsPartition = acceptsAll): Promise<void> {
    const isAvailable = () => this.#lanes.some((lane) => lane.waiting.length > 0 && accepts(lane.partition));
    while (this.#isOpen && !isAvailable()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Makes `available` look again: it accepts more than it did. */
  reconsider(): void {
    this.#wake?.();
  }

  /** Stops taking. What waits here is left to its lease. */
  [Symbol.dispose](): void {
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.#stopListening();
    for (const lane of this.#lanes) lane.pull[Symbol.dispose]();
    this.#wake?.();
  }

  #openLane(partition: number): Lane {
    const { stream, worker, prefetchMax } = this.#options;
    const waiting: WorkMessage[] = [];
    const lane: Lane = {
      partition,
      waiting,
      known: { lastSequence: Number.POSITIVE_INFINITY },
      pull: new PullSubscription(this.#connection, {
        stream,
        consumer: durableOf(worker, stream, partition),
        windowMax: prefetchMax,
        onMessage: (message) => {
          waiting.push(this.#workMessage(lane, message));
          this.#wake?.();
          this.#wake = undefined;
        },
        onTrouble: (reason) => {
          this.#options.onTrouble(`${stream} partition ${partition}: ${reason}`);
          void this.#recover(lane);
        },
      }),
    };
    return lane;
  }

  /** Consumer first, then where the stream ended, then pull: what was stored before may be a repeat. */
  async #start(lane: Lane): Promise<void> {
    const { stream, worker, leaseMs } = this.#options;
    await this.#connection.manager.consumers.add(stream, {
      durable_name: durableOf(worker, stream, lane.partition),
      filter_subject: subjectOf(stream, lane.partition),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: leaseMs * NANOS_PER_MS,
      max_ack_pending: ACK_PENDING_MAX,
      max_deliver: -1,
    });
    const { state } = await this.#connection.manager.streams.info(stream);
    lane.known = { lastSequence: state.last_seq };
    lane.pull.restart();
  }

  async #recover(lane: Lane): Promise<void> {
    while (this.#isOpen && this.#connection.isConnected) {
      try {
        await this.#start(lane);
        return;
      } catch (error) {
        this.#options.onTrouble(error instanceof Error ? error.message : String(error));
        await new Promise((resolve) => setTimeout(resolve, RECOVERY_WAIT_MS));
      }
    }
  }

  #workMessage(lane: Lane, message: Msg): WorkMessage {
    const facts = readDeliveryFacts(message);
    const reply = message.reply ?? "";
    const { nats } = this.#connection;
    const { leaseMs } = this.#options;
    let leaseEndsAtMs = performance.now() + leaseMs;
    const sequence = facts?.sequence ?? 0;
    return {
      subject: message.subject,
      data: message.data,
      sequence,
      storedAtMs: facts?.storedAtMs ?? 0,
      partition: lane.partition,
      mayBeRepeat: (facts?.deliveryCount ?? 2) > 1 || sequence <= lane.known.lastSequence,
      leaseEndsAtMs: () => leaseEndsAtMs,
      ack: () => nats.publish(reply, ACK),
      giveBack: (delayMs) => nats.publish(reply, `-NAK {"delay": ${delayMs * NANOS_PER_MS}}`),
      working: () => {
        nats.publish(reply, WORKING);
        leaseEndsAtMs = performance.now() + leaseMs;
      },
    };
  }
}
