/**
 * The gates of all webhooks of this process, the pool that the slow ones among them share, and word for the lanes when
 * something that they may be waiting for has changed.
 */

import type { AttemptOutcome } from "@posthorn/domain";
import { isBack } from "../core/gate-circuit.ts";
import { receiverSign } from "../core/receiver-sign.ts";
import {
  admittedMax,
  afterAnswer,
  afterDeparture,
  afterEntry,
  afterLeave,
  afterReturn,
  afterWord,
  isForgettable,
  isOutrun,
  isSlow,
  OPEN_GATE,
  type WebhookGate,
} from "../core/webhook-gate.ts";

/** Requests under way to slow webhooks, over all of them. */
export const SLOW_POOL_MAX = 64;
/** Silence and lag are looked at so often. */
const TICK_MS = 100;
/** All that is remembered is looked through for what has become forgettable by itself. */
const SWEEP_MS = 60_000;
/** Weight of the last tick's lateness among those before it. */
const LAG_SMOOTHING = 1 / 8;

export type Standing = "go" | "own_turn" | "slow_pool" | "circuit_open";

/** Whoever has items waiting. */
export type GateListener = {
  /** This webhook may have more under way, or the pool may. */
  changed(webhook: string): void;
  opened(webhook: string): void;
  /** Some time has passed: silence may have made webhooks slow. */
  ticked(): void;
};

export type CircuitChange = { readonly kind: "opened" | "closed"; readonly generation: number };

/** A webhook of which there is something to know. */
export type Held = { readonly webhook: string; gate: WebhookGate; isSlow: boolean };

export class WebhookGates implements Disposable {
  readonly nowMs: () => number;
  readonly #held = new Map<string, Held>();
  /** Those that time may change. */
  readonly #watched = new Set<Held>();
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: GateListener[] = [];
  #firstTold = 0;
  #slowInFlight = 0;
  #circuitsOpen = 0;
  #tickedAtMs: number;
  #sweptAtMs: number;
  #lagMs = 0;

  /** @param nowMs monotonic. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
    this.#tickedAtMs = nowMs();
    this.#sweptAtMs = nowMs();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get slowInFlight(): number {
    return this.#slowInFlight;
  }

  /** How late timers are, smoothed: the event loop is busy. */
  get lagMs(): number {
    return this.#lagMs;
  }

  get circuitsOpen(): number {
    return this.#circuitsOpen;
  }

  /** Webhooks of which there is something to know. */
  get remembered(): number {
    return this.#held.size;
  }

  listen(listener: GateListener): void {
    this.#listeners.push(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#listeners.length = 0;
  }

  /** A probe asks neither for a closed circuit nor for the webhook's turn, only for room among the slow. */
  standing(webhook: string, isProbe: boolean): Standing {
    const held = this.#held.get(webhook);
    if (isProbe) return this.#slowInFlight < SLOW_POOL_MAX ? "go" : "slow_pool";
    if (held === undefined) return "go";
    const { gate } = held;
    if (gate.circuit.kind === "open") return "circuit_open";
    if (gate.inFlight >= admittedMax(gate)) return "own_turn";
    return held.isSlow && this.#slowInFlight >= SLOW_POOL_MAX ? "slow_pool" : "go";
  }

  inFlight(webhook: string): number {
    return this.#held.get(webhook)?.gate.inFlight ?? 0;
  }

  isSlow(webhook: string): boolean {
    return this.#held.get(webhook)?.isSlow ?? false;
  }

  /** Is it the receiver that this webhook's work has to wait for? */
  isOutrun(webhook: string): boolean {
    const held = this.#held.get(webhook);
    return held !== undefined && isOutrun(held.gate, this.nowMs(), this.#lagMs);
  }

  /** Circuits of this webhook up to that generation are closed. */
  tell(webhook: string, circuitsClosed: number): void {
    if (circuitsClosed === 0) return;
    const held = this.#hold(webhook);
    const told = afterWord(held.gate, circuitsClosed);
    if (told !== held.gate) this.update(held, told);
  }

  /** One more attempt under way. The lane has looked at the standing before. */
  enter(webhook: string): GatePass {
    const held = this.#hold(webhook);
    this.#watched.add(held);
    this.count(held, afterEntry(held.gate));
    return new GatePass(this, held);
  }

  /** An attempt of it waits for one of the receiver's sockets, which is as good as for its answer. Ends with the call of what is returned. */
  waitsOutside(webhook: string): () => void {
    const held = this.#hold(webhook);
    this.#watched.add(held);
    held.gate = afterDeparture(held.gate, this.nowMs());
    return () => this.update(held, afterReturn(held.gate));
  }

  #hold(webhook: string): Held {
    const known = this.#held.get(webhook);
    if (known !== undefined) return known;
    const held = { webhook, gate: OPEN_GATE, isSlow: false };
    this.#held.set(webhook, held);
    return held;
  }

  /** For the passes: more or fewer under way, which makes nobody slow. */
  count(held: Held, gate: WebhookGate): void {
    if (held.isSlow) this.#slowInFlight += gate.inFlight - held.gate.inFlight;
    held.gate = gate;
  }

  /** For the passes: something came back. */
  update(held: Held, gate: WebhookGate): void {
    this.#count(held, -1);
    held.gate = gate;
    held.isSlow = isSlow(gate, this.nowMs(), this.#lagMs);
    this.#count(held, 1);
  }

  #count({ gate, isSlow: slow }: Held, sign: 1 | -1): void {
    if (slow) this.#slowInFlight += sign * gate.inFlight;
    if (gate.circuit.kind === "open") this.#circuitsOpen += sign;
  }

  /** For the passes. The lanes take turns at being told first. */
  changed(webhook: string): void {
    const count = this.#listeners.length;
    this.#firstTold += 1;
    for (let at = 0; at < count; at++) this.#listeners[(this.#firstTold + at) % count]?.changed(webhook);
  }

  /** For the passes. Whoever saw the circuit open logs that first: nothing is parked for its sake before. */
  opened(webhook: string): void {
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener.opened(webhook);
    });
  }

  #tick(): void {
    const nowMs = this.nowMs();
    const lateMs = Math.max(0, nowMs - this.#tickedAtMs - TICK_MS);
    this.#tickedAtMs = nowMs;
    this.#lagMs += (lateMs - this.#lagMs) * LAG_SMOOTHING;
    for (const held of this.#watched) {
      if (held.gate.outside > 0 || held.isSlow) this.update(held, held.gate);
      // Time changes nothing about an open circuit.
      const isSlowForNow = held.isSlow && held.gate.circuit.kind === "closed";
      if (held.gate.inFlight > 0 || held.gate.outside > 0 || isSlowForNow) continue;
      this.#watched.delete(held);
      if (isForgettable(held.gate, nowMs)) this.#held.delete(held.webhook);
    }
    if (nowMs - this.#sweptAtMs >= SWEEP_MS) this.#sweep(nowMs);
    for (const listener of this.#listeners) listener.ticked();
  }

  /** What failed once and was never heard of again would be remembered for ever. */
  #sweep(nowMs: number): void {
    this.#sweptAtMs = nowMs;
    for (const held of this.#held.values()) {
      if (!this.#watched.has(held) && isForgettable(held.gate, nowMs)) this.#held.delete(held.webhook);
    }
  }
}

/** The right to have one attempt after the other under way. Whoever has it leaves in the end. */
export class GatePass {
  readonly #gates: WebhookGates;
  readonly #held: Held;
  #leftAtMs: number | undefined;
  #isInside = true;

  constructor(gates: WebhookGates, held: Held) {
    this.#gates = gates;
    this.#held = held;
  }

  /** The webhook's circuit is open. */
  get isShut(): boolean {
    return this.#held.gate.circuit.kind === "open";
  }

  /** The request leaves: from here on it is the receiver's turn. */
  departs(): void {
    this.returns();
    this.#leftAtMs = this.#gates.nowMs();
    this.#held.gate = afterDeparture(this.#held.gate, this.#leftAtMs);
  }

  /** Nothing left after all, or nobody will know what came of it. */
  returns(): void {
    if (this.#leftAtMs === undefined) return;
    this.#leftAtMs = undefined;
    this.#gates.update(this.#held, afterReturn(this.#held.gate));
  }

  /** @param probe what the terms of a probe say; undefined for any other attempt. */
  answered(
    outcome: AttemptOutcome,
    statusCode: number | undefined,
    probe: { readonly circuitsClosed: number } | undefined,
  ): CircuitChange | undefined {
    const leftAtMs = this.#leftAtMs;
    if (leftAtMs === undefined) return undefined;
    this.#leftAtMs = undefined;
    const before = this.#held.gate.circuit;
    const answer = { sign: receiverSign(outcome, statusCode), leftAtMs, probe };
    this.#gates.update(this.#held, afterAnswer(this.#held.gate, answer, this.#gates.nowMs()));
    const after = this.#held.gate.circuit;
    if (before.kind === "closed" && after.kind === "open") {
      this.#gates.opened(this.#held.webhook);
      return { kind: "opened", generation: after.generation };
    }
    return probe !== undefined && isBack(answer.sign) ? { kind: "closed", generation: after.generation } : undefined;
  }

  leave(): void {
    if (!this.#isInside) return;
    this.#isInside = false;
    this.returns();
    this.#gates.count(this.#held, afterLeave(this.#held.gate));
    this.#gates.changed(this.#held.webhook);
  }
}
