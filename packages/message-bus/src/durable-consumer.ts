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
  type DurableFacts,
  type DurableVerdict,
  holdsForgotten,
  judgeDurable,
  type Remembered,
  type Seen,
  type StreamFacts,
} from "./durable-health.ts";
import { type ConsumerRelief, judgeProgress, NOTHING_WATCHED, type Progress } from "./durable-progress.ts";
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
/** Answered by the consumer's leader; the right to publish to it is that of every other request of the API. */
const STEP_DOWN = "$JS.API.CONSUMER.LEADER.STEPDOWN";
const STEP_DOWN_MS_MAX = 5_000;
const WHAT_IS_DONE: Readonly<Record<ConsumerRelief, string>> = {
  "step-down": "its leader is asked to step down",
  "make-anew": "it is made anew",
};
/** Nothing is left unacknowledged for longer by processes that live. */
const IN_HAND_LEASES_MAX = 10;
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
  #watched = NOTHING_WATCHED;

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

  /**
   * Called now and then while somebody waits here for messages and none comes. Does something about a durable that
   * hands out nothing of what it owes, and resolves to what was done; undefined when nothing was, or had to be.
   */
  async relieve(): Promise<ConsumerRelief | undefined> {
    const { stream, name, onTrouble } = this.#options;
    try {
      const info = await orNothing(this.#connection.manager.consumers.info(stream, name));
      if (info === undefined) return undefined;
      const isClustered = (info.cluster?.replicas?.length ?? 0) > 0;
      const limits = { unacknowledgedMax: ACK_PENDING_MAX, isClustered };
      const { watched, relief } = judgeProgress(this.#watched, await this.#progressOf(info), limits);
      this.#watched = watched;
      if (relief === undefined) return undefined;
      onTrouble(`${name} hands out nothing of what it owes; ${WHAT_IS_DONE[relief]}`);
      await (relief === "step-down" ? this.#stepDown() : this.#makeAnew(info));
      return relief;
    } catch (error) {
      // Without an answer nothing is known of it.
      this.#watched = { ...this.#watched, before: undefined };
      onTrouble(`${name} could not be looked at: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** Told of every message that is handed out here. */
  received(sequence: number, storedAtMs: number): void {
    this.#watched = NOTHING_WATCHED;
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

  async #progressOf(info: ConsumerInfo): Promise<Progress> {
    const { stream, subject } = this.#options;
    const last = await orNothing(this.#connection.manager.streams.getMessage(stream, { last_by_subj: subject }));
    const first = this.#readsWorkQueue ? await this.#message({ seq: 1, next_by_subj: subject }) : undefined;
    const facts = factsOf(info);
    return {
      ...facts,
      madeAtMs: Date.parse(info.created),
      handedOut: info.delivered.consumer_seq,
      lastSequence: last?.seq ?? 0,
      hasForgotten: holdsForgotten(facts, first?.sequence),
    };
  }

  /** Rejects without an answer. What a leader refuses, because there is none, say, is done again later. */
  async #stepDown(): Promise<void> {
    const { stream, name } = this.#options;
    await this.#connection.nats.request(`${STEP_DOWN}.${stream}.${name}`, "", { timeout: STEP_DOWN_MS_MAX });
  }

  /**
   * What was handed out and not acknowledged comes once more, to lanes that begin anew with the durable and so take all
   * of it for possible repeats. A floor of 2.9 may have passed what is in hand, which is as old as some leases at most.
   */
  async #makeAnew({ ack_floor }: ConsumerInfo): Promise<void> {
    const { stream, name, subject, ackWaitMs } = this.#options;
    const floor = ack_floor.stream_seq;
    const atFloor = await this.#message({ seq: Math.max(1, floor), next_by_subj: subject });
    await this.#connection.manager.consumers.delete(stream, name);
    if (this.#readsWorkQueue || atFloor === undefined) await this.#make({ kind: "all" });
    else await this.#make({ kind: "time", atMs: atFloor.storedAtMs - ackWaitMs * IN_HAND_LEASES_MAX });
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
      durable: info && factsOf(info),
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

  #keepInMind(epochMs: number, ackFloor: number): void {
    const newest = this.#remembered?.epochMs === epochMs ? this.#remembered.newest : undefined;
    this.#remembered = { epochMs, ackFloor, newest };
  }
}

function factsOf({ delivered, ack_floor, num_ack_pending }: ConsumerInfo): DurableFacts {
  return {
    deliveredSequence: delivered.stream_seq,
    ackFloor: ack_floor.stream_seq,
    unacknowledged: num_ack_pending,
  };
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
