/**
 * Work from all lanes of all partitions of a stream, taken in turn, so that a flood in one delays no other. Several
 * processes share the durables; each message goes to one of them under a lease that ends by itself.
 */

import type { Subscription } from "@nats-io/nats-core";
import { ALL_PARTITIONS } from "@posthorn/domain";
import type { BusConnection } from "./connection.ts";
import type { Beginning } from "./durable-health.ts";
import type { ConsumerRelief } from "./durable-progress.ts";
import { type LaneName, lanesOf, type StreamName, type WorkerName } from "./names.ts";
import type { TakenMessage } from "./stored-message.ts";
import { WorkLane } from "./work-lane.ts";

export type WorkSourceOptions = {
  readonly stream: StreamName;
  readonly worker: WorkerName;
  /** Messages of one lane held here at most, taken or not acknowledged ones not included. */
  readonly prefetchMax: number;
  /** How long a message is ours without a sign of life. */
  readonly leaseMs: number;
  /** Where durables begin that were never there; at the stream's beginning without it. */
  readonly firstFrom?: Beginning;
  /** Told when a consumer had to be made anew, and why. */
  readonly onTrouble: (reason: string) => void;
  /** Between looks at a consumer whose messages are waited for in vain; 10 s without it. */
  readonly lookEveryMs?: number;
  /** Told of everything that was done to a consumer that handed out nothing of what it owed. */
  readonly onRelieved?: (relief: ConsumerRelief) => void;
};

export type AcceptsLane = (partition: number, lane: LaneName) => boolean;

const CHECK_MS = 500;
/** A cluster tells on it, with the names of the stream and the consumer at the end, who leads a consumer from now on. */
const LEADER_ELECTED = "$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED";
/** The second look in a row that shows a consumer stuck acts. */
const LOOK_EVERY_MS = 10_000;
const acceptsAll: AcceptsLane = () => true;

export class WorkSource implements Disposable {
  readonly #lanes: readonly WorkLane[];
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #next = 0;
  #wake: (() => void) | undefined;
  #isOpen = true;

  private constructor(connection: BusConnection, options: WorkSourceOptions) {
    const onMessage = () => {
      this.#wake?.();
      this.#wake = undefined;
    };
    const { lookEveryMs = LOOK_EVERY_MS, onRelieved = () => {} } = options;
    const ports = { ...options, lookEveryMs, onMessage, onRelieved };
    this.#lanes = lanesOf(options.stream).flatMap((lane) =>
      ALL_PARTITIONS.map((partition) => new WorkLane(connection, { ...ports, partition, lane })),
    );
    this.#timer = setInterval(() => {
      for (const lane of this.#lanes) lane.check(performance.now());
    }, CHECK_MS);
    const elections = this.#followElections(connection, options.stream);
    const stopFollowingState = connection.onStateChange((state) => {
      for (const lane of this.#lanes) {
        if (state === "connected") lane.reconnected();
        else lane.disconnected();
      }
    });
    this.#stopListening = () => {
      elections.unsubscribe();
      stopFollowingState();
    };
  }

  /** A lane that holds all it may asks for nothing, and would not be told otherwise. */
  #followElections(connection: BusConnection, stream: StreamName): Subscription {
    const laneBySubject = new Map(this.#lanes.map((lane) => [`${LEADER_ELECTED}.${stream}.${lane.consumer}`, lane]));
    return connection.nats.subscribe(`${LEADER_ELECTED}.${stream}.*`, {
      callback: (error, message) => {
        if (error === null) laneBySubject.get(message.subject)?.leaderChanged();
      },
    });
  }

  /** Makes the durables if they are missing and begins to pull. Rejects when the server refuses or does not answer. */
  static async open(connection: BusConnection, options: WorkSourceOptions): Promise<WorkSource> {
    const source = new WorkSource(connection, options);
    try {
      await Promise.all(source.#lanes.map((lane) => lane.start()));
      return source;
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Up to `max` waiting messages that are still ours, one lane after the other; none when nothing waits.
   * @param accepts lanes to take from, when not from all.
   */
  take(max: number, accepts: AcceptsLane = acceptsAll): TakenMessage[] {
    const taken: TakenMessage[] = [];
    let empty = 0;
    while (taken.length < max && empty < this.#lanes.length) {
      const lane = this.#lanes[this.#next % this.#lanes.length];
      this.#next += 1;
      const message = lane !== undefined && accepts(lane.partition, lane.lane) ? lane.take() : undefined;
      if (message === undefined) {
        empty += 1;
        continue;
      }
      empty = 0;
      taken.push(message);
    }
    return taken;
  }

  get waiting(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.waiting, 0);
  }

  /** Resolves when something waits in a lane that is accepted, or the source is closed. One caller at a time. */
  async available(accepts: AcceptsLane = acceptsAll): Promise<void> {
    const isAvailable = () => this.#lanes.some((lane) => lane.waiting > 0 && accepts(lane.partition, lane.lane));
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

  /** Stops pulling. What waits here can still be taken. */
  [Symbol.dispose](): void {
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.#stopListening();
    for (const lane of this.#lanes) lane[Symbol.dispose]();
    this.#wake?.();
  }
}
