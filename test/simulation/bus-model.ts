/**
 * A process's connection to the modelled server. It stands for `BusConnection` with the NATS client behind it; the
 * package message-bus itself (publisher, work source, readers, configuration replica) runs on it as it is.
 */

import type { BusConnection, ConnectionState } from "@posthorn/message-bus";
import type { BrokerModel } from "./broker-model.ts";
import type { ConsumerModel, HandedOut } from "./consumer-model.ts";
import type { Stored } from "./stream-model.ts";
import type { Actor } from "./virtual-time.ts";
import type { Wire } from "./wire.ts";

type Message = {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | undefined;
  readonly headers: { readonly code: number; readonly description: string; get(name: string): string } | undefined;
  string(): string;
};
type Callback = (error: null, message: Message) => void;
type PublishOptions = { readonly reply?: string; readonly headers?: { get(name: string): string } };
type Query = { readonly seq?: number; readonly last_by_subj?: string; readonly next_by_subj?: string };
type ConsumerInput = {
  readonly name?: string;
  readonly durable_name?: string;
  readonly filter_subject?: string;
  readonly ack_policy?: string;
  readonly ack_wait?: number;
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
};

const NO_DATA = new Uint8Array();
const NANOS_PER_MS = 1_000_000;
const API_TIMEOUT_MS = 5_000;
const MAX_PAYLOAD_BYTES = 1_048_576;
const PULL = "$JS.API.CONSUMER.MSG.NEXT.";
const ACK = "$JS.ACK.";
const LEADER_ELECTED = "$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED";

export class BusModel {
  readonly #broker: BrokerModel;
  readonly #actor: Actor;
  readonly #wire: Wire;
  readonly #subscriptions = new Map<string, Callback>();
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  isConnected = true;

  constructor(broker: BrokerModel, actor: Actor, wire: Wire) {
    this.#broker = broker;
    this.#actor = actor;
    this.#wire = wire;
    broker.connect(this);
  }

  /** As message-bus sees it: of the real one's many members these are the ones that it uses. */
  asConnection(): BusConnection {
    return this as unknown as BusConnection;
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  finishBeforeClose(): void {}

  readonly nats = {
    info: { max_payload: MAX_PAYLOAD_BYTES },
    isClosed: () => false,
    subscribe: (subject: string, { callback }: { readonly callback: Callback }) => {
      const prefix = subject.slice(0, -1);
      this.#subscriptions.set(prefix, callback);
      const end = () => this.#subscriptions.delete(prefix);
      return { unsubscribe: end, drain: async () => void end() };
    },
    publish: (subject: string, payload: Uint8Array | string = NO_DATA, options: PublishOptions = {}) => {
      this.#up(() => this.#route(subject, payload, options));
    },
  };

  readonly manager = {
    streams: {
      info: (name: string) =>
        this.#ask(() => {
          const stream = this.#broker.stream(name);
          const state = { first_seq: stream.firstSequence, last_seq: stream.lastSequence };
          const retention = stream.settings.kind === "work-queue" ? "workqueue" : "limits";
          return { created: new Date(stream.settings.epochMs).toISOString(), config: { retention }, state };
        }),
      getMessage: (name: string, query: Query) => this.#ask(() => this.#find(name, query)),
    },
    direct: { getMessage: (name: string, query: Query) => this.#ask(() => this.#find(name, query)) },
    consumers: {
      add: (stream: string, input: ConsumerInput) => this.#ask(() => this.#addConsumer(stream, input)),
      update: () => this.#ask(() => undefined),
      info: (stream: string, name: string) => this.#ask(() => consumerInfo(this.#broker.consumer(stream, name))),
      delete: (stream: string, name: string) => this.#ask(() => this.#broker.deleteConsumer(stream, name)),
    },
  };

  tellOfLeader(stream: string, durable: string): void {
    this.#say(`${LEADER_ELECTED}.${stream}.${durable}`, NO_DATA, undefined, undefined);
  }

  /** Signs of life of the consumers that this process waits for, all in one. */
  beat(inboxes: readonly string[]): void {
    this.#wire.down("beat", () => {
      for (const inbox of inboxes)
        this.#call(inbox, { subject: inbox, data: NO_DATA, reply: undefined, headers: BEAT });
    });
  }

  /** The server is gone. */
  lose(): void {
    this.#wire.cut();
    this.#broker.forgetRequests(this);
    this.#tell("disconnected");
  }

  restore(): void {
    this.#tell("connected");
  }

  /** The process has died: what it had sent arrives up to some moment. */
  die(): void {
    this.#wire.cut();
    this.#broker.disconnect(this);
  }

  #tell(state: ConnectionState): void {
    this.#wire.down("state", () => {
      this.isConnected = state === "connected";
      for (const listener of this.#listeners) listener(state);
    });
  }

  #up(act: () => void): void {
    this.#wire.up(() => {
      if (this.#broker.isUp) act();
    });
  }

  /** A request to the JetStream API; rejects when no answer comes. */
  #ask<Answer>(answer: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { time } = this.#broker;
      const timeout = time.after(API_TIMEOUT_MS, this.#actor, () => reject(new Error("the server does not answer")));
      this.#up(() => {
        const value = answer();
        this.#wire.down("api", () => {
          timeout.isCancelled = true;
          resolve(value);
        });
      });
    });
  }

  #find(name: string, { seq, last_by_subj: last, next_by_subj: next }: Query) {
    const stream = this.#broker.stream(name);
    if (last !== undefined) return foundMessage(stream.lastOf(last));
    if (next !== undefined) return foundMessage(stream.next(seq ?? 1, next));
    return foundMessage(stream.at(seq ?? 0));
  }

  #addConsumer(stream: string, input: ConsumerInput): { readonly name: string } {
    const name = input.durable_name ?? input.name ?? "";
    this.#broker.addConsumer(stream, {
      name,
      filter: input.filter_subject ?? "",
      ackWaitMs: input.ack_policy === "none" ? undefined : (input.ack_wait ?? 0) / NANOS_PER_MS,
      fromSequence: input.opt_start_seq ?? this.#sequenceAt(stream, input.opt_start_time),
    });
    return { name };
  }

  #sequenceAt(stream: string, time: string | undefined): number {
    if (time === undefined) return 1;
    const { messages } = this.#broker.stream(stream);
    return messages.find(({ storedAtMs }) => storedAtMs >= Date.parse(time))?.sequence ?? messages.length + 1;
  }

  #route(subject: string, payload: Uint8Array | string, { reply, headers }: PublishOptions): void {
    if (subject.startsWith(PULL)) this.#pull(subject.slice(PULL.length), String(payload), reply ?? "");
    else if (subject.startsWith(ACK)) this.#settle(subject.slice(ACK.length), Buffer.from(payload).toString());
    else this.#publish(subject, Buffer.from(payload), headers?.get("Nats-Msg-Id"), reply);
  }

  #publish(subject: string, data: Uint8Array, id: string | undefined, reply: string | undefined): void {
    const stream = this.#broker.streamOf(subject);
    if (stream === undefined) throw new Error(`no stream takes ${subject}`);
    const answer = this.#broker.publish(stream, subject, data, id === "" ? undefined : id);
    if (answer === undefined || reply === undefined) return;
    const { delayMs, ...ack } = answer;
    this.#say(reply, Buffer.from(JSON.stringify(ack)), undefined, undefined, delayMs);
  }

  #pull(consumerPath: string, payload: string, reply: string): void {
    const [stream = "", name = ""] = consumerPath.split(".");
    const consumer = this.#broker.consumer(stream, name);
    const say = (code: number, description: string, remaining: number) => {
      const get = (header: string) => (header === "Nats-Pending-Messages" ? String(remaining) : "");
      this.#say(reply, NO_DATA, undefined, { code, description, get });
    };
    if (consumer === undefined) {
      say(NO_RESPONDERS, "", 0);
      return;
    }
    const { batch, expires } = JSON.parse(payload);
    consumer.pull({
      requester: this,
      inbox: reply,
      remaining: batch,
      expiresAtMs: this.#broker.time.nowMs + expires / NANOS_PER_MS,
      send: (message) => this.#handOut(stream, name, reply, message),
      say,
    });
  }

  #handOut(stream: string, consumer: string, inbox: string, message: HandedOut): void {
    const { stored, deliveryCount, consumerSequence, pending } = message;
    const facts = [deliveryCount, stored.sequence, consumerSequence, stored.storedAtMs * NANOS_PER_MS, pending];
    const reply = `${ACK}${stream}.${consumer}.${facts.map((fact) => Math.floor(fact)).join(".")}`;
    const call = { subject: stored.subject, data: stored.data, reply, headers: undefined };
    this.#wire.down(sourceOf(inbox), () => this.#call(inbox, call));
  }

  /** `<stream>.<consumer>.<delivered>.<stream sequence>...` */
  #settle(path: string, answer: string): void {
    const [stream = "", name = "", , sequenceText] = path.split(".");
    const consumer = this.#broker.consumer(stream, name);
    const sequence = Number(sequenceText);
    if (answer === "+ACK") consumer?.ack(sequence);
    else if (answer === "+WPI") consumer?.extend(sequence);
    else consumer?.handBack(sequence, JSON.parse(answer.slice("-NAK ".length)).delay / NANOS_PER_MS);
  }

  #say(
    subject: string,
    data: Uint8Array,
    reply: string | undefined,
    headers: Message["headers"],
    extraMs?: number,
  ): void {
    this.#wire.down(sourceOf(subject), () => this.#call(subject, { subject, data, reply, headers }), extraMs);
  }

  #call(address: string, message: Omit<Message, "string">): void {
    const callback = this.#subscriptions.get(sourceOf(address));
    callback?.(null, { ...message, string: () => Buffer.from(message.data).toString() });
  }
}

/** Each subscription here is to one consumer, to a publisher's answers, or to news of one stream. */
function sourceOf(address: string): string {
  return address.slice(0, address.lastIndexOf(".") + 1);
}

const NO_RESPONDERS = 503;
const BEAT = { code: 100, description: "Idle Heartbeat", get: () => "" };

function foundMessage(stored: Stored | undefined) {
  if (stored === undefined) return null;
  const { subject, data, sequence, storedAtMs } = stored;
  return { subject, data, seq: sequence, time: new Date(storedAtMs) };
}

function consumerInfo(consumer: ConsumerModel | undefined) {
  if (consumer === undefined) return null;
  return {
    config: {},
    num_pending: consumer.isAtEnd ? 0 : 1,
    num_ack_pending: consumer.ackPending,
    ack_floor: { stream_seq: consumer.ackFloor },
    delivered: { stream_seq: consumer.deliveredUpTo },
  };
}
