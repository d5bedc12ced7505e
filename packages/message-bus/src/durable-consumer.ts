/**
 * One durable of a stream that several processes take work from: makes sure that it is there and hands out what the
 * stream holds, and remembers how far it was, so that one that was deleted need not begin with all of a week again.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, RetentionPolicy } from "@nats-io/jetstream";
import { orNothing } from "./api-answers.ts";
import type { BusConnection } from "./connection.ts";
import {
  type Beginning,
  type DurableVerdict,
  judgeDurable,
  type Remembered,
  type Seen,
  type StreamFacts,
} from "./durable-health.ts";
import type { StreamName } from "./names.ts";

export type DurableOptions = {
  readonly stream: StreamName;
  readonly name: string;
  /** What it takes from the stream. */
  readonly subject: string;
  /** After this long the server gives a message to somebody else. */
  readonly ackWaitMs: number;
  /** Where one begins that was never there; at the stream's beginning without it. */
  readonly firstFrom?: Beginning | undefined;
  readonly onTrouble: (reason: string) => void;
};

/** Unacknowledged messages of one durable over all processes. Far above what the processes hold. */
const ACK_PENDING_MAX = 20_000;
/** A leader that was just elected may not have read all of its own log: what looks wrong is looked at twice. */
const SECOND_LOOK_MS = 1_000;
const NANOS_PER_MS = 1_000_000;

type Look = {
  readonly verdict: DurableVerdict;
  readonly stream: StreamFacts;
  /** Undefined: there is no such durable. */
  readonly info: ConsumerInfo | undefined;
};

export class DurableConsumer {
  readonly #connection: BusConnection;
  readonly #options: DurableOptions;
  #remembered: Remembered | undefined;
  #readsWorkQueue = false;

  constructor(connection: BusConnection, options: DurableOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Resolves to the stream's last sequence at a moment when the durable was there and sound. */
  async ensure(): Promise<number> {
    let look = await this.#look();
    if (look.verdict.kind === "behind-the-times") {
      await sleep(SECOND_LOOK_MS);
      look = await this.#look();
    }
    const { verdict, stream, info } = look;
    if (info !== undefined) await this.#bringUpToDate(info.config);
    switch (verdict.kind) {
      case "sound":
        this.#keepInMind(stream.epochMs, info?.ack_floor.stream_seq ?? 0);
        break;
      case "holds-the-dead":
        await this.#bury(verdict.upTo);
        this.#keepInMind(stream.epochMs, verdict.upTo);
        break;
      case "missing":
        await this.#make(verdict.from.kind === "all" ? (this.#options.firstFrom ?? verdict.from) : verdict.from);
        this.#keepInMind(stream.epochMs, verdict.from.kind === "sequence" ? verdict.from.sequence - 1 : 0);
        break;
      case "behind-the-times":
        this.#options.onTrouble(`${this.#options.name} begins anew: ${verdict.reason}`);
        await this.#connection.manager.consumers.delete(this.#options.stream, this.#options.name).catch(() => false);
        this.#remembered = undefined;
        await this.#make(verdict.from);
        this.#keepInMind(stream.epochMs, 0);
        break;
      default:
        return verdict satisfies never;
    }
    return stream.lastSequence;
  }

  /** Told of every message that is handed out here. */
  received(sequence: number, storedAtMs: number): void {
    if (this.#remembered === undefined || sequence <= (this.#remembered.newest?.sequence ?? 0)) return;
    this.#remembered = { ...this.#remembered, newest: { sequence, storedAtMs } };
  }

  /**
   * Asks how far everything is worked off. Called now and then; without an answer what is known has to do. Of a work
   * queue nothing need be remembered: it holds what is left to do.
   */
  async remember(): Promise<void> {
    const { stream, name } = this.#options;
    if (this.#readsWorkQueue) return;
    const info = await this.#connection.manager.consumers.info(stream, name).catch(() => undefined);
    if (this.#remembered === undefined || info === undefined) return;
    this.#remembered = { ...this.#remembered, ackFloor: info.ack_floor.stream_seq };
  }

  /** The durable first: it cannot be where the stream has not come to yet. */
  async #look(): Promise<Look> {
    const { consumers, streams } = this.#connection.manager;
    const { stream, name, subject } = this.#options;
    const info = await orNothing(consumers.info(stream, name));
    const { created, config, state } = await streams.info(stream);
    const facts = {
      epochMs: Date.parse(created),
      firstSequence: state.first_seq,
      lastSequence: state.last_seq,
      isWorkQueue: config.retention === RetentionPolicy.Workqueue,
    };
    this.#readsWorkQueue = facts.isWorkQueue;
    const newest = this.#remembered?.epochMs === facts.epochMs ? this.#remembered.newest : undefined;
    const nextFrom = facts.isWorkQueue ? 1 : (info?.ack_floor.stream_seq ?? 0) + 1;
    const situation = {
      durable: info && { deliveredSequence: info.delivered.stream_seq, ackFloor: info.ack_floor.stream_seq },
      stream: facts,
      remembered: this.#remembered,
      atNewest: facts.isWorkQueue || newest === undefined ? undefined : await this.#message({ seq: newest.sequence }),
      next: await this.#message({ seq: nextFrom, next_by_subj: subject }),
      nowMs: Date.now(),
    };
    return { verdict: judgeDurable(situation), stream: facts, info };
  }

  async #message(query: { readonly seq: number; readonly next_by_subj?: string }): Promise<Seen | undefined> {
    const found = await orNothing(this.#connection.manager.direct.getMessage(this.#options.stream, query));
    return found === undefined ? undefined : { sequence: found.seq, storedAtMs: found.time.getTime() };
  }

  /** Another process may be first, and may begin elsewhere: what it made is as good. */
  async #make(from: Beginning): Promise<void> {
    const { consumers } = this.#connection.manager;
    const { stream, name, subject } = this.#options;
    const identity = { durable_name: name, filter_subject: subject, ack_policy: AckPolicy.Explicit };
    try {
      await consumers.add(stream, { ...identity, ...this.#limits(), ...policyOf(from) });
    } catch (error) {
      if ((await orNothing(consumers.info(stream, name))) === undefined) throw error;
    }
  }

  async #bringUpToDate(held: ConsumerConfig): Promise<void> {
    const wanted = this.#limits();
    const isSame =
      held.ack_wait === wanted.ack_wait &&
      held.max_ack_pending === wanted.max_ack_pending &&
      held.max_deliver === wanted.max_deliver;
    if (!isSame) await this.#connection.manager.consumers.update(this.#options.stream, this.#options.name, wanted);
  }

  #limits() {
    return {
      ack_wait: Math.round(this.#options.ackWaitMs) * NANOS_PER_MS,
      max_ack_pending: ACK_PENDING_MAX,
      max_deliver: -1,
    };
  }

  async #bury(upTo: number): Promise<void> {
    const { stream, subject, onTrouble } = this.#options;
    const { purged } = await this.#connection.manager.streams.purge(stream, { filter: subject, seq: upTo + 1 });
    onTrouble(`${stream} held ${purged} messages of ${subject} that had been worked off; they were removed`);
  }

  #keepInMind(epochMs: number, ackFloor: number): void {
    const newest = this.#remembered?.epochMs === epochMs ? this.#remembered.newest : undefined;
    this.#remembered = { epochMs, ackFloor, newest };
  }
}

function policyOf(from: Beginning): Partial<ConsumerConfig> {
  switch (from.kind) {
    case "all":
      return { deliver_policy: DeliverPolicy.All };
    case "sequence":
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
    case "time":
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.atMs).toISOString() };
    default:
      return from satisfies never;
  }
}
