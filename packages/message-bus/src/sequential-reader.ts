/**
 * Reads a stream in order, from a place on, without acknowledgements: whoever reads keeps the place. A lost message,
 * a reconnect or a vanished consumer makes the reader begin anew behind the last message it handed out.
 */

import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { type Msg, nuid } from "@nats-io/nats-core";
import type { BusConnection } from "./connection.ts";
import { PullSubscription } from "./pull-subscription.ts";
import { readDeliveryFacts, type StoredMessage } from "./stored-message.ts";

export type ReaderOptions = {
  readonly stream: string;
  readonly subject: string;
  /** Where to begin: at a sequence, or with the last message of every subject. */
  readonly from: { readonly kind: "sequence"; readonly sequence: number } | { readonly kind: "last-per-subject" };
  readonly windowMax: number;
  /** Called in stream order; `pending` messages of the subject are still to come. */
  readonly onMessage: (message: StoredMessage, pending: number) => void;
  readonly onTrouble: (reason: string) => void;
};

const CHECK_MS = 500;
const RECOVERY_WAIT_MS = 500;
/** A reader's consumer lives on one server and dies with it, while everybody waits for the reader to begin anew. */
const HEARTBEAT_MS = 2_000;
const NANOS_PER_MS = 1_000_000;
/** The server drops the consumer of a reader that died. */
const INACTIVE_MS = 60_000;

export class SequentialReader implements Disposable {
  readonly #connection: BusConnection;
  readonly #options: ReaderOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #pull: PullSubscription | undefined;
  #consumerName = "";
  #lastSequence = 0;
  #nextConsumerSequence = 1;
  #held = 0;
  #generation = 0;
  #isOpen = true;

  constructor(connection: BusConnection, options: ReaderOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#timer = setInterval(() => this.#pull?.check(performance.now()), CHECK_MS);
    this.#stopListening = connection.onStateChange((state) => {
      if (state === "connected") void this.#begin();
    });
    void this.#begin();
  }

  /** Says that this many messages have been worked off: back-pressure is the reader's window. */
  taken(count: number): void {
    this.#held -= count;
    this.#pull?.taken(count);
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.#stopListening();
    this.#pull?.[Symbol.dispose]();
    if (this.#connection.isConnected) void this.#dropConsumer(this.#consumerName);
  }

  async #begin(): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    this.#pull?.[Symbol.dispose]();
    this.#pull = undefined;
    while (this.#isOpen && generation === this.#generation) {
      try {
        return await this.#openConsumer(generation);
      } catch (error) {
        this.#options.onTrouble(error instanceof Error ? error.message : String(error));
        await new Promise((resolve) => setTimeout(resolve, RECOVERY_WAIT_MS));
      }
    }
  }

  async #openConsumer(generation: number): Promise<void> {
    const { stream, windowMax } = this.#options;
    const { name } = await this.#connection.manager.consumers.add(stream, this.#config());
    if (!this.#isOpen || generation !== this.#generation) return this.#dropConsumer(name);
    this.#consumerName = name;
    this.#nextConsumerSequence = 1;
    this.#pull = new PullSubscription(this.#connection, {
      stream,
      consumer: name,
      windowMax,
      heartbeatMs: HEARTBEAT_MS,
      heldAtStart: this.#held,
      onMessage: (message) => this.#receive(message, generation),
      onTrouble: (reason) => this.#startOver(reason),
    });
    this.#pull.restart();
  }

  #config(): Partial<ConsumerConfig> {
    const { subject, from } = this.#options;
    const base = {
      name: `reader-${nuid.next()}`,
      filter_subject: subject,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: INACTIVE_MS * NANOS_PER_MS,
    };
    if (from.kind === "last-per-subject") return { ...base, deliver_policy: DeliverPolicy.LastPerSubject };
    const start = Math.max(from.sequence, this.#lastSequence + 1);
    return { ...base, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, start) };
  }

  #receive(message: Msg, generation: number): void {
    const facts = readDeliveryFacts(message);
    if (facts === undefined || !this.#isOpen || generation !== this.#generation) return;
    if (facts.consumerSequence !== this.#nextConsumerSequence) {
      this.#startOver("a message was lost on the way");
      return;
    }
    this.#nextConsumerSequence += 1;
    this.#lastSequence = facts.sequence;
    this.#held += 1;
    const { sequence, storedAtMs, pending } = facts;
    this.#options.onMessage({ subject: message.subject, data: message.data, sequence, storedAtMs }, pending);
  }

  #startOver(reason: string): void {
    this.#options.onTrouble(reason);
    void this.#begin();
  }

  /** A courtesy: the server drops it by itself after a while. */
  async #dropConsumer(name: string): Promise<void> {
    await this.#connection.manager.consumers.delete(this.#options.stream, name).catch(() => undefined);
  }
}
