/**
 * The NATS server: its streams and consumers, and the faults it can have. A publish can get lost, be stored without
 * its answer arriving, or be answered late; a restart forgets what was not on the disk; a consumer changes its leader.
 */

import type { SeededRandom } from "@posthorn/testkit";
import type { BusModel } from "./bus-model.ts";
import { ConsumerModel, type ConsumerSettings } from "./consumer-model.ts";
import { isOf, type Stored, StreamModel, type StreamSettings } from "./stream-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Shares of publishes, from 0 to 1. */
export type BrokerFaults = { readonly lost: number; readonly answerLost: number; readonly answerLate: number };

export const NO_BROKER_FAULTS: BrokerFaults = { lost: 0, answerLost: 0, answerLate: 0 };

export type PublishAnswer = { readonly seq: number; readonly duplicate?: boolean; readonly delayMs: number };

/** What the checks are told. */
export type BrokerWatch = {
  stored(stream: string, stored: Stored): void;
  /** An id that the stream remembers: nothing was stored. */
  duplicate(stream: string, held: Stored, data: Uint8Array): void;
  acknowledged(stream: string, stored: Stored): void;
};

/** Below the shortest silence that a reader takes for the end of its consumer. */
const BEAT_MS = 1_500;
/** Longer than a publisher waits before it sends again. */
const LATE_MS_MAX = 4_000;

export class BrokerModel {
  readonly time: VirtualTime;
  faults: BrokerFaults = NO_BROKER_FAULTS;
  isUp = true;
  #beatAtMs = 0;
  readonly #random: SeededRandom;
  readonly #watch: BrokerWatch;
  readonly #streams = new Map<string, StreamModel>();
  readonly #consumers = new Map<string, Map<string, ConsumerModel>>();
  readonly #connections = new Set<BusModel>();

  constructor(time: VirtualTime, random: SeededRandom, streams: readonly StreamSettings[], watch: BrokerWatch) {
    this.time = time;
    this.#random = random;
    this.#watch = watch;
    for (const settings of streams) {
      this.#streams.set(settings.name, new StreamModel(settings));
      this.#consumers.set(settings.name, new Map());
    }
  }

  connect(connection: BusModel): void {
    this.#connections.add(connection);
  }

  /** A process has died. */
  disconnect(connection: BusModel): void {
    this.#connections.delete(connection);
    this.forgetRequests(connection);
  }

  forgetRequests(connection: BusModel): void {
    for (const consumer of this.#allConsumers()) consumer.forgetRequests(connection);
  }

  stream(name: string): StreamModel {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Error(`the model has no stream ${name}`);
    return stream;
  }

  consumer(stream: string, name: string): ConsumerModel | undefined {
    return this.#consumers.get(stream)?.get(name);
  }

  /** Of a durable that exists already, that one. */
  addConsumer(streamName: string, settings: ConsumerSettings): ConsumerModel {
    const known = this.consumer(streamName, settings.name);
    if (known !== undefined) return known;
    const consumer = new ConsumerModel(this.stream(streamName), settings, {
      nowMs: () => this.time.nowMs,
      acknowledged: (stored) => this.#watch.acknowledged(streamName, stored),
    });
    this.#consumers.get(streamName)?.set(settings.name, consumer);
    return consumer;
  }

  deleteConsumer(stream: string, name: string): void {
    this.#consumers.get(stream)?.delete(name);
  }

  /** Undefined: the publisher hears nothing. */
  publish(streamName: string, subject: string, data: Uint8Array, id: string | undefined): PublishAnswer | undefined {
    const fate = this.#random.next();
    const { lost, answerLost, answerLate } = this.faults;
    if (fate < lost) return undefined;
    const stream = this.stream(streamName);
    const held = id === undefined ? undefined : stream.known(id, this.time.nowMs);
    const stored = held ?? this.store(streamName, subject, data, id);
    if (held !== undefined) this.#watch.duplicate(streamName, held, data);
    if (fate < lost + answerLost) return undefined;
    const isLate = fate < lost + answerLost + answerLate;
    const answer = { seq: stored.sequence, delayMs: isLate ? LATE_MS_MAX * this.#random.next() : 0 };
    return held === undefined ? answer : { ...answer, duplicate: true };
  }

  /** Past all faults. */
  store(streamName: string, subject: string, data: Uint8Array, id: string | undefined): Stored {
    const stored = this.stream(streamName).store(subject, data, id, this.time.nowMs);
    this.#watch.stored(streamName, stored);
    for (const consumer of this.#consumers.get(streamName)?.values() ?? []) {
      if (isOf(subject, consumer.settings.filter)) consumer.serve();
    }
    return stored;
  }

  streamOf(subject: string): string | undefined {
    const [root = ""] = subject.split(".");
    return STREAM_OF_ROOT.get(root);
  }

  tick(): void {
    if (!this.isUp) return;
    for (const consumer of this.#allConsumers()) consumer.tick();
    if (this.time.nowMs - this.#beatAtMs >= BEAT_MS) this.#beat();
  }

  #beat(): void {
    this.#beatAtMs = this.time.nowMs;
    const waiting = [...this.#allConsumers()].flatMap((consumer) => consumer.waiting);
    for (const [connection, requests] of Map.groupBy(waiting, ({ requester }) => requester)) {
      connection.beat(requests.map(({ inbox }) => inbox));
    }
  }

  /** @param durable of all consumers with such a name. */
  changeLeader(stream: string, durable: string): void {
    const consumer = this.consumer(stream, durable);
    if (consumer === undefined || !this.isUp) return;
    consumer.changeLeader();
    for (const connection of this.#connections) connection.tellOfLeader(stream, durable);
  }

  /** Readers' consumers live in memory and are gone; durables come back as they stand on the disk. */
  stop(): void {
    this.isUp = false;
    for (const connection of this.#connections) connection.lose();
  }

  start(forgetsAcks: boolean): void {
    this.isUp = true;
    for (const consumers of this.#consumers.values()) {
      for (const [name, consumer] of consumers) {
        if (consumer.settings.ackWaitMs === undefined) consumers.delete(name);
        else consumer.restart(forgetsAcks);
      }
    }
    for (const stream of this.#streams.values()) stream.forgetIdsOfGone();
    for (const connection of this.#connections) connection.restore();
  }

  *#allConsumers(): Generator<ConsumerModel, void> {
    for (const consumers of this.#consumers.values()) yield* consumers.values();
  }
}

const STREAM_OF_ROOT: ReadonlyMap<string, string> = new Map([
  ["ingest", "INGEST"],
  ["deliver", "DELIVER"],
  ["retry", "RETRY"],
  ["log", "LOG"],
  ["$KV", "KV_config"],
]);
