/**
 * A lane takes work from one stream, lets each item wait for its turn and then be dispatched, and keeps the leases of
 * all it holds. First attempts and what the scheduler releases run in lanes of their own, so that a wave of one never
 * takes the other's slots.
 */

import { setTimeout } from "node:timers/promises";
import { decodeWork } from "@posthorn/contracts";
import type { WorkItem } from "@posthorn/domain";
import type { LaneName, TakenMessage, WorkSource } from "@posthorn/message-bus";
import { nextSlots, type SlotLimits } from "../core/lane-slots.ts";
import type { DispatcherEvents } from "../events.ts";
import type { DispatchItem } from "./dispatch-item.ts";
import { shareMessage } from "./share-message.ts";
import { type Entry, type ParkReason, WaitingRoom } from "./waiting-room.ts";
import type { WebhookGates } from "./webhook-gates.ts";

/** Slots are for items begun within the last second: what the engine is busy with. */
export type LaneLimits = SlotLimits & {
  /** All items that have begun and not ended; an outcome that is not logged yet counts. */
  readonly inHandMax: number;
  /** Items that wait without a slot. */
  readonly waitingMax: number;
  /** Messages held altogether. */
  readonly bytesMax: number;
};

export type LaneOptions = {
  readonly source: WorkSource;
  readonly limits: LaneLimits;
  /** A lease with less than this left is extended. */
  readonly leaseRenewMs: number;
  readonly gates: WebhookGates;
  readonly dispatch: DispatchItem;
  readonly events: Pick<DispatcherEvents, "setAside" | "failed" | "handedBack">;
};

const RENEW_CHECK_MS = 2_000;
/** What takes longer than this waits for somebody else, and leaves its slot to others. */
const SLOT_MS_MAX = 1_000;
/** At a stop, what has begun gets this long to end; the rest comes again when its lease runs out. */
const DRAIN_MS_MAX = 5_000;

export class Lane implements AsyncDisposable {
  readonly #options: LaneOptions;
  readonly #room: WaitingRoom;
  readonly #inHand = new Map<TakenMessage, Promise<void>>();
  /** Those that hold a slot, with the time of their beginning. */
  readonly #slots = new Map<TakenMessage, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #running: Promise<void>;
  #slotsMax: number;
  #bytesHeld = 0;
  #wake: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#slotsMax = options.limits.slotsMin;
    this.#room = new WaitingRoom({
      gates: options.gates,
      itemsMax: options.limits.waitingMax,
      freeSlots: () => this.#freeSlots(),
      start: (entry) => this.#start(entry),
      park: (entry, reason) => this.#inHand.set(entry.message, this.#park(entry, reason)),
      onRoom: () => this.#lookAgain(),
    });
    options.gates.listen({
      changed: (webhook) => this.#room.changed(webhook),
      opened: (webhook) => this.#room.opened(webhook),
      ticked: () => this.#leaveSlots(),
    });
    this.#timer = setInterval(() => this.#renewLeases(), RENEW_CHECK_MS);
    this.#running = this.#run();
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  get waiting(): number {
    return this.#room.size;
  }

  /** Takes nothing more, hands back what has not begun, and waits for what has. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { source } = this.#options;
    source[Symbol.dispose]();
    this.#room[Symbol.dispose]();
    for (const message of source.take(Number.POSITIVE_INFINITY)) message.giveBack(0);
    for (const { message } of this.#room.drain()) message.giveBack(0);
    this.#wake?.();
    const ended = this.#running.then(() => Promise.all(this.#inHand.values()));
    await Promise.race([ended, setTimeout(DRAIN_MS_MAX, undefined, { ref: false })]);
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    const { source } = this.#options;
    const accepts = (partition: number, lane: LaneName) => this.#room.accepts(partition, lane);
    while (this.#stopped === undefined) {
      if (!this.#mayTake()) await this.#change();
      else {
        await source.available(accepts);
        if (this.#stopped === undefined && this.#mayTake()) {
          // One at a time: it may hold many items.
          for (const message of source.take(1, accepts)) this.#receive(message);
        }
      }
    }
  }

  #mayTake(): boolean {
    return this.#freeSlots() > 0 && this.#bytesHeld < this.#options.limits.bytesMax;
  }

  #freeSlots(): number {
    return Math.min(this.#slotsMax - this.#slots.size, this.#options.limits.inHandMax - this.#inHand.size);
  }

  #receive(message: TakenMessage): void {
    const decoded = decodeWork(message.data);
    if (decoded.kind === "undecodable") {
      this.#setAside(message, decoded.reason);
      return;
    }
    const bytes = Math.ceil(message.data.length / decoded.value.length);
    const shares = shareMessage(message, decoded.value.length);
    for (const [index, share] of shares.entries()) {
      const item = decoded.value[index];
      if (item?.kind !== "decoded") this.#setAside(share, item?.reason ?? "it has no item");
      else this.#arrive(share, item.value, bytes);
    }
  }

  #setAside(message: TakenMessage, reason: string): void {
    this.#options.events.setAside(message.sequence, message.subject, reason);
    message.ack();
  }

  #arrive(message: TakenMessage, item: WorkItem, bytes: number): void {
    this.#bytesHeld += bytes;
    const { partition } = message;
    this.#room.arrive({ message, item, webhook: item.webhookId, partition, bytes, sinceMs: performance.now() });
  }

  /** What was lost while it waited is somebody else's by now. */
  #start(entry: Entry): void {
    const { message } = entry;
    if (message.leaseEndsAtMs() <= performance.now()) {
      this.#options.events.handedBack("lease_lost");
      this.#bytesHeld -= entry.bytes;
      return;
    }
    this.#slots.set(message, performance.now());
    this.#inHand.set(message, this.#dispatch(entry));
  }

  async #dispatch(entry: Entry): Promise<void> {
    const pass = this.#options.gates.enter(entry.webhook);
    try {
      await this.#options.dispatch.run(entry, pass);
    } catch (error) {
      this.#options.events.failed(error);
    }
    pass.leave();
    this.#end(entry);
  }

  async #park(entry: Entry, reason: ParkReason): Promise<void> {
    try {
      await this.#options.dispatch.park(entry, reason);
    } catch (error) {
      this.#options.events.failed(error);
    }
    this.#end(entry);
  }

  #end({ message, bytes }: Entry): void {
    this.#bytesHeld -= bytes;
    this.#inHand.delete(message);
    this.#slots.delete(message);
    this.#room.slotFreed();
    this.#wake?.();
  }

  /** The oldest come first. */
  #leaveSlots(): void {
    const { limits, gates } = this.#options;
    this.#slotsMax = nextSlots(this.#slotsMax, this.#slots.size, limits, gates.lagMs);
    const sinceMs = performance.now() - SLOT_MS_MAX;
    for (const [message, beganAtMs] of this.#slots) {
      if (beganAtMs > sinceMs) break;
      this.#slots.delete(message);
    }
    this.#room.ticked();
    this.#wake?.();
  }

  #lookAgain(): void {
    this.#wake?.();
    this.#options.source.reconsider();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /** Also of what has begun and is no longer ours: its outcome is on its way to the log, and nobody else should begin. */
  #renewLeases(): void {
    const nowMs = performance.now();
    const { leaseRenewMs } = this.#options;
    for (const message of this.#inHand.keys()) {
      if (message.leaseEndsAtMs() - nowMs < leaseRenewMs) message.working();
    }
    for (const { message } of this.#room.entries()) {
      const leftMs = message.leaseEndsAtMs() - nowMs;
      if (leftMs > 0 && leftMs < leaseRenewMs) message.working();
    }
  }
}
