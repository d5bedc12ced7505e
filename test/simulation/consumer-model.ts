/** One consumer as a JetStream server keeps it: what it has handed out, what was acknowledged, and who asks for more. */

import type { BusModel } from "./bus-model.ts";
import type { Stored, StreamModel } from "./stream-model.ts";

export type ConsumerSettings = {
  readonly name: string;
  readonly filter: string;
  /** Undefined: nothing is acknowledged. */
  readonly ackWaitMs: number | undefined;
  readonly fromSequence: number;
};

/** A message on its way to whoever asked for it. */
export type HandedOut = {
  readonly stored: Stored;
  readonly deliveryCount: number;
  readonly consumerSequence: number;
  readonly pending: number;
};

export type PullRequest = {
  readonly requester: BusModel;
  /** Where its answers go. */
  readonly inbox: string;
  readonly expiresAtMs: number;
  remaining: number;
  readonly send: (message: HandedOut) => void;
  /** A status without a message. */
  readonly say: (code: number, description: string, remaining: number) => void;
};

export type ConsumerSurroundings = {
  readonly nowMs: () => number;
  readonly acknowledged: (stored: Stored) => void;
};

type Pending = { readonly stored: Stored; deadlineMs: number };

const EXPIRED = 408;
const LEADERSHIP_CHANGE = 409;
/** An acknowledgement that is younger may be forgotten by a restart. */
const UNSYNCED_MS = 3_000;

export class ConsumerModel {
  readonly settings: ConsumerSettings;
  readonly #stream: StreamModel;
  readonly #nowMs: () => number;
  readonly #acknowledged: (stored: Stored) => void;
  #pulls: PullRequest[] = [];
  #nextSequence: number;
  #consumerSequence = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #counts = new Map<number, number>();
  #redeliver: { readonly stored: Stored; readonly atMs: number }[] = [];
  #acked: { readonly stored: Stored; readonly atMs: number }[] = [];

  constructor(stream: StreamModel, settings: ConsumerSettings, around: ConsumerSurroundings) {
    this.#stream = stream;
    this.settings = settings;
    this.#nowMs = around.nowMs;
    this.#acknowledged = around.acknowledged;
    this.#nextSequence = settings.fromSequence;
  }

  /** Handed out and not acknowledged. */
  get ackPending(): number {
    return this.#pending.size + this.#redeliver.length;
  }

  /** Not handed out yet. */
  get isAtEnd(): boolean {
    return this.#stream.next(this.#nextSequence, this.settings.filter) === undefined;
  }

  get deliveredUpTo(): number {
    return this.#nextSequence - 1;
  }

  /** Everything up to here is acknowledged. */
  get ackFloor(): number {
    const open = [...this.#pending.keys(), ...this.#redeliver.map(({ stored }) => stored.sequence)];
    return open.length === 0 ? this.deliveredUpTo : Math.min(...open) - 1;
  }

  pull(request: PullRequest): void {
    this.#pulls.push(request);
    this.serve();
  }

  /** Hands out what there is to those who asked. */
  serve(): void {
    for (;;) {
      const request = this.#pulls[0];
      if (request === undefined) return;
      const stored = this.#take();
      if (stored === undefined) return;
      request.remaining -= 1;
      if (request.remaining === 0) this.#pulls.shift();
      this.#consumerSequence += 1;
      const deliveryCount = (this.#counts.get(stored.sequence) ?? 0) + 1;
      const { ackWaitMs } = this.settings;
      if (ackWaitMs !== undefined) {
        this.#counts.set(stored.sequence, deliveryCount);
        this.#pending.set(stored.sequence, { stored, deadlineMs: this.#nowMs() + ackWaitMs });
      }
      request.send({ stored, deliveryCount, consumerSequence: this.#consumerSequence, pending: this.isAtEnd ? 0 : 1 });
    }
  }

  ack(sequence: number): void {
    const pending = this.#pending.get(sequence) ?? this.#redeliver.find(({ stored }) => stored.sequence === sequence);
    if (pending === undefined) return;
    this.#pending.delete(sequence);
    this.#redeliver = this.#redeliver.filter(({ stored }) => stored.sequence !== sequence);
    this.#acknowledged(pending.stored);
    this.#acked.push({ stored: pending.stored, atMs: this.#nowMs() });
    if (this.#stream.settings.kind === "work-queue") pending.stored.isGone = true;
  }

  handBack(sequence: number, delayMs: number): void {
    const pending = this.#pending.get(sequence);
    if (pending === undefined) return;
    this.#pending.delete(sequence);
    this.#redeliver.push({ stored: pending.stored, atMs: this.#nowMs() + delayMs });
    this.serve();
  }

  extend(sequence: number): void {
    const pending = this.#pending.get(sequence);
    if (pending !== undefined) pending.deadlineMs = this.#nowMs() + (this.settings.ackWaitMs ?? 0);
  }

  /** Time has passed: leases end, and requests expire. */
  tick(): void {
    const nowMs = this.#nowMs();
    for (const { stored, deadlineMs } of [...this.#pending.values()]) {
      if (deadlineMs > nowMs) continue;
      this.#pending.delete(stored.sequence);
      this.#redeliver.push({ stored, atMs: nowMs });
    }
    this.#acked = this.#acked.filter(({ atMs }) => nowMs - atMs < UNSYNCED_MS);
    this.serve();
    for (const request of this.#pulls) {
      if (request.expiresAtMs <= nowMs) request.say(EXPIRED, "Request Timeout", request.remaining);
    }
    this.#pulls = this.#pulls.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  }

  /** Whoever waits hears from time to time that the consumer lives. */
  get waiting(): readonly PullRequest[] {
    return this.#pulls;
  }

  /** The requester is gone. */
  forgetRequests(requester: BusModel): void {
    this.#pulls = this.#pulls.filter((request) => request.requester !== requester);
  }

  /** A new leader may not know what the one before had handed out. */
  changeLeader(): void {
    for (const request of this.#pulls) request.say(LEADERSHIP_CHANGE, "Leadership Change", request.remaining);
    this.#pulls = [];
    this.#forgetHandedOut();
  }

  /** The server comes back from its disk. @param forgetsAcks also the last acknowledgements were not on it. */
  restart(forgetsAcks: boolean): void {
    this.#pulls = [];
    if (forgetsAcks) {
      for (const { stored, atMs } of this.#acked) {
        if (this.#nowMs() - atMs >= UNSYNCED_MS) continue;
        stored.isGone = false;
        this.#pending.set(stored.sequence, { stored, deadlineMs: 0 });
      }
      this.#acked = [];
    }
    this.#forgetHandedOut();
  }

  #forgetHandedOut(): void {
    const open = [
      ...[...this.#pending.values()].map(({ stored }) => stored),
      ...this.#redeliver.map((one) => one.stored),
    ];
    this.#pending.clear();
    this.#counts.clear();
    this.#redeliver = open.sort((a, b) => a.sequence - b.sequence).map((stored) => ({ stored, atMs: 0 }));
  }

  #take(): Stored | undefined {
    const nowMs = this.#nowMs();
    const ready = this.#redeliver.findIndex(({ atMs }) => atMs <= nowMs);
    if (ready >= 0) return this.#redeliver.splice(ready, 1)[0]?.stored;
    const stored = this.#stream.next(this.#nextSequence, this.settings.filter);
    if (stored !== undefined) this.#nextSequence = stored.sequence + 1;
    return stored;
  }
}
