/**
 * Where a lane's items wait without holding a slot: for their webhook's turn, for room among the slow, for a slot, or for
 * the time at which they are to leave. Work is parked from here for its receiver's sake only; what merely outruns the
 * engine waits at the door, and what stands behind it in its lane of the stream with it.
 */

import type { WorkItem } from "@posthorn/domain";
import type { LaneName, TakenMessage } from "@posthorn/message-bus";
import { LaneQueue, type WaitsFor } from "../core/lane-queue.ts";
import { SlotTimes } from "../core/slot-times.ts";
import { type GateListener, SLOW_POOL_MAX, type WebhookGates } from "./webhook-gates.ts";

/** One work item and its message, or its share of one. */
export type Entry = {
  readonly message: TakenMessage;
  readonly item: WorkItem;
  readonly webhook: string;
  readonly partition: number;
  /** Of the message. */
  readonly bytes: number;
  /** Monotonic: when it came here. */
  readonly sinceMs: number;
};

/** Both for the receiver's sake. */
export type ParkReason = "circuit_open" | "receiver_slow";

export type RoomOptions = {
  readonly gates: WebhookGates;
  /** Items that wait here at most; those that wait for their time count apart from the others. */
  readonly itemsMax: number;
  /** Slots that are free in the lane. A webhook gets one as long as more are left than it has requests under way. */
  readonly freeSlots: () => number;
  readonly start: (entry: Entry) => void;
  readonly park: (entry: Entry, reason: ParkReason) => void;
  /** More may be taken from the stream than before. */
  readonly onRoom: () => void;
};

/** Items of a slow webhook wait this long for their turn, then they are parked. */
const SLOW_WAIT_MS_MAX = 1_000;
/** The longest time that a timer is set to: a clock may be put right meanwhile. */
const TIMER_MS_MAX = 60_000;

export class WaitingRoom implements GateListener, Disposable {
  readonly #options: RoomOptions;
  readonly #queue: LaneQueue<Entry>;
  readonly #timed = new SlotTimes<Entry>();
  /** More than their webhooks' share of the queue. Nothing more is taken from their lanes. */
  readonly #door: Entry[] = [];
  #isJudging = false;
  /** A lane was refused: whoever takes is told when that may be over. */
  #hasRefused = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#queue = new LaneQueue(options.itemsMax);
  }

  get size(): number {
    return this.#queue.size + this.#door.length + this.#timed.size;
  }

  accepts(partition: number, lane: LaneName): boolean {
    const accepted =
      this.#queue.hasRoomFor(partition) &&
      this.#timed.size < this.#options.itemsMax &&
      !this.#door.some(({ message }) => message.partition === partition && message.lane === lane);
    if (!accepted) this.#hasRefused = true;
    return accepted;
  }

  arrive(entry: Entry): void {
    const { terms } = entry.item;
    // Before a probe circuits were closed, but the one that it is for is open: that is no word that the receiver is back.
    if (terms?.isProbe === false) this.#options.gates.tell(entry.webhook, terms.circuitsClosed);
    if (terms?.slot !== undefined && terms.slot.fromMs > Date.now()) {
      this.#timed.add(terms.slot.fromMs, entry);
      if (terms.slot.fromMs < this.#timerAtMs) this.#setTimer();
    } else {
      this.#seat(entry);
    }
  }

  /** A slot of the lane is free again. */
  slotFreed(): void {
    this.#serve("slot", this.#hasSlot);
    this.#tellOfRoom();
  }

  changed(webhook: string): void {
    if (this.#queue.size === 0) return;
    while (this.#advance(webhook));
    this.#serve("slow_pool", this.#hasSlowRoom);
    this.#tellOfRoom();
  }

  opened(webhook: string): void {
    for (const entry of this.#queue.drainOf(webhook)) this.#seat(entry);
    this.#tellOfRoom();
  }

  ticked(): void {
    if (this.#queue.size > 0) this.#parkOverdue();
    this.#serve("slow_pool", this.#hasSlowRoom);
    this.slotFreed();
    this.#askAgain();
  }

  *entries(): Generator<Entry, void> {
    yield* this.#queue.entries();
    yield* this.#timed.entries();
    yield* this.#door;
  }

  /** Takes out everything that waits. */
  drain(): Entry[] {
    return [...this.#queue.drain(), ...this.#timed.drain(), ...this.#door.splice(0)];
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #seat(entry: Entry): void {
    const standing = this.#standing(entry);
    if (standing === "circuit_open") this.#options.park(entry, standing);
    else if (standing === "go" && this.#queue.lengthOf(entry.webhook) === 0) this.#options.start(entry);
    else if (this.#queue.hasShareFor(entry)) this.#queue.push(entry, standing === "go" ? "slot" : standing);
    else {
      this.#door.push(entry);
      this.#judgeSoon();
    }
  }

  #standing({ webhook, item }: Entry): WaitsFor | "go" | "circuit_open" {
    const { gates, freeSlots } = this.#options;
    const standing = gates.standing(webhook, item.terms?.isProbe === true);
    return standing === "go" && freeSlots() <= gates.inFlight(webhook) ? "slot" : standing;
  }

  readonly #hasSlot = () => this.#options.freeSlots() > 0;
  readonly #hasSlowRoom = () => this.#options.gates.slowInFlight < SLOW_POOL_MAX;

  #serve(waitsFor: WaitsFor, isThere: () => boolean): void {
    if (this.#queue.size === 0) return;
    this.#queue.serve(waitsFor, isThere, (webhook) => this.#advance(webhook));
  }

  /** Lets the webhook's next item go, if it may. False when none has gone. */
  #advance(webhook: string): boolean {
    const entry = this.#queue.head(webhook);
    if (entry === undefined) return false;
    const standing = this.#standing(entry);
    if (standing === "go" || standing === "circuit_open") {
      this.#queue.shift(webhook);
      if (standing === "go") this.#options.start(entry);
      else this.#options.park(entry, standing);
      return true;
    }
    this.#queue.waitFor(webhook, standing);
    return false;
  }

  #parkOverdue(): void {
    const { gates, park } = this.#options;
    const overdueAtMs = performance.now() - SLOW_WAIT_MS_MAX;
    for (const webhook of this.#queue.webhooks()) {
      if (!gates.isSlow(webhook)) continue;
      for (let head = this.#queue.head(webhook); head !== undefined; head = this.#queue.head(webhook)) {
        if (head.sinceMs > overdueAtMs || head.item.terms?.isProbe === true) break;
        this.#queue.shift(webhook);
        park(head, "receiver_slow");
      }
    }
  }

  #tellOfRoom(): void {
    if (this.#door.length > 0) this.#judgeSoon();
    else this.#askAgain();
  }

  /** The door holds up its own lanes only; others that were refused may have room long before it is empty. */
  #askAgain(): void {
    if (!this.#hasRefused) return;
    this.#hasRefused = false;
    this.#options.onRoom();
  }

  /** Not before all answers that have come in are read: they may say that the receiver is not slow at all. */
  #judgeSoon(): void {
    if (this.#door.length === 0 || this.#isJudging) return;
    this.#isJudging = true;
    setImmediate(() => {
      this.#isJudging = false;
      this.#judge();
    });
  }

  #judge(): void {
    const { gates, park } = this.#options;
    for (const entry of this.#door.splice(0)) {
      if (this.#queue.hasShareFor(entry) || gates.standing(entry.webhook, false) === "circuit_open") this.#seat(entry);
      else if (gates.isOutrun(entry.webhook)) park(entry, "receiver_slow");
      else this.#door.push(entry);
    }
    if (this.#door.length === 0) this.#tellOfRoom();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = this.#timed.nextAtMs ?? Number.POSITIVE_INFINITY;
    if (this.#timed.size === 0) return;
    const leaveSome = () => {
      for (const entry of this.#timed.takeDue(Date.now())) this.#seat(entry);
      this.#setTimer();
      this.#tellOfRoom();
    };
    this.#timer = setTimeout(leaveSome, Math.min(Math.max(0, this.#timerAtMs - Date.now()), TIMER_MS_MAX));
  }
}
