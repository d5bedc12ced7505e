/**
 * A lane takes work from one stream while it has free slots and keeps the leases of what it holds. First attempts and
 * released retries run in lanes of their own, so that a wave of one never takes the other's slots.
 */

import { setTimeout } from "node:timers/promises";
import type { TakenMessage, WorkSource } from "@posthorn/message-bus";
import type { DispatchItem } from "./dispatch-item.ts";

export type LaneOptions = {
  readonly source: WorkSource;
  /** Items in hand at once. An outcome that is not logged yet holds its slot: that bounds them, too. */
  readonly slotsMax: number;
  /** A lease with less than this left is extended. */
  readonly leaseRenewMs: number;
  readonly dispatch: DispatchItem;
  /** Told about bugs; the item comes again when its lease runs out. */
  readonly onFailure: (error: unknown) => void;
};

const RENEW_CHECK_MS = 2_000;
/** At a stop, what has begun gets this long to end; the rest comes again when its lease runs out. */
const DRAIN_MS_MAX = 5_000;

export class Lane implements AsyncDisposable {
  readonly #options: LaneOptions;
  readonly #inHand = new Map<TakenMessage, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #running: Promise<void>;
  #slotFreed: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#renewLeases(), RENEW_CHECK_MS);
    this.#running = this.#run();
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** Takes nothing more, hands back what has not begun, and waits for what has. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { source } = this.#options;
    source[Symbol.dispose]();
    for (const message of source.take(Number.POSITIVE_INFINITY)) message.giveBack(0);
    this.#slotFreed?.();
    const ended = this.#running.then(() => Promise.all(this.#inHand.values()));
    await Promise.race([ended, setTimeout(DRAIN_MS_MAX, undefined, { ref: false })]);
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    while (this.#stopped === undefined) {
      const free = this.#options.slotsMax - this.#inHand.size;
      if (free <= 0) await this.#freeSlot();
      else {
        await this.#options.source.available();
        if (this.#stopped === undefined) for (const message of this.#options.source.take(free)) this.#begin(message);
      }
    }
  }

  #begin(message: TakenMessage): void {
    const done = this.#options
      .dispatch(message)
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#inHand.delete(message);
        this.#slotFreed?.();
      });
    this.#inHand.set(message, done);
  }

  async #freeSlot(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#slotFreed = resolve;
    });
  }

  /** Also of what is no longer ours: its outcome is on its way to the log, and nobody else should begin meanwhile. */
  #renewLeases(): void {
    const nowMs = performance.now();
    for (const message of this.#inHand.keys()) {
      if (message.leaseEndsAtMs() - nowMs < this.#options.leaseRenewMs) message.working();
    }
  }
}
