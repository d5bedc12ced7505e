/**
 * A connection between a process and a server: what is sent arrives later, and not at all once it is cut. What the
 * process sends arrives in order; what the server sends does by the source that it comes from, since a server's streams
 * and consumers work beside each other.
 */

import type { SeededRandom } from "@posthorn/testkit";
import { type Actor, type VirtualTime, WORLD } from "./virtual-time.ts";

const LATENCY_MS = { min: 0.2, max: 3 };
/** Now and then something is on its way for longer. */
const SLOW = { share: 0.03, ms: 150 };

type Way = { lastAtMs: number; cutAtMs: number };

export class Wire {
  readonly #time: VirtualTime;
  readonly #actor: Actor;
  readonly #random: SeededRandom;
  #up: Way = newWay();
  #down = new Map<string, Way>();
  /** Of all that is on its way down. */
  #cut = { cutAtMs: Number.POSITIVE_INFINITY };

  constructor(time: VirtualTime, actor: Actor, random: SeededRandom) {
    this.#time = time;
    this.#actor = actor;
    this.#random = random;
  }

  /** To the server. */
  up(act: () => void): void {
    const way = this.#up;
    this.#time.at(this.#arrival(way), WORLD, () => {
      if (this.#time.nowMs < way.cutAtMs) act();
    });
  }

  /** To the process. @param source what comes from the same one keeps its order. */
  down(source: string, act: () => void, extraMs = 0): void {
    let way = this.#down.get(source);
    if (way === undefined) {
      way = newWay();
      this.#down.set(source, way);
    }
    const cut = this.#cut;
    const atMs = extraMs === 0 ? this.#arrival(way) : this.#time.nowMs + extraMs;
    this.#time.at(atMs, this.#actor, () => {
      if (this.#time.nowMs < cut.cutAtMs) act();
    });
  }

  /** What is on its way to the server arrives up to some moment; nothing arrives here any more. */
  cut(): void {
    const { nowMs } = this.#time;
    this.#up.cutAtMs = nowMs + this.#random.next() * Math.max(0, this.#up.lastAtMs - nowMs + 1);
    this.#cut.cutAtMs = nowMs;
    this.#up = newWay();
    this.#down = new Map();
    this.#cut = { cutAtMs: Number.POSITIVE_INFINITY };
  }

  #arrival(way: Way): number {
    const { min, max } = LATENCY_MS;
    const slowMs = this.#random.next() < SLOW.share ? SLOW.ms * this.#random.next() : 0;
    const atMs = this.#time.nowMs + min + (max - min) * this.#random.next() + slowMs;
    way.lastAtMs = Math.max(way.lastAtMs, atMs);
    return way.lastAtMs;
  }
}

function newWay(): Way {
  return { lastAtMs: 0, cutAtMs: Number.POSITIVE_INFINITY };
}
