/**
 * Everything that decides whether a webhook may have one more request under way, as a value: its limit, its circuit, and
 * whether it is slow. Silence counts from when a request is on its way to the receiver; what an attempt waits for
 * before that (a signature, the configuration) is never held against the receiver.
 */

import { circuitAfter, circuitAfterProbe, circuitToldOf, type GateCircuit, UNTRIED_CIRCUIT } from "./gate-circuit.ts";
import { FULL_LIMIT, IN_FLIGHT_MAX, type InFlightLimit, limitAfter, limitAfterOutage } from "./in-flight-limit.ts";
import type { ReceiverSign } from "./receiver-sign.ts";

export type WebhookGate = {
  /** Attempts that were let in and have no outcome yet. */
  readonly inFlight: number;
  /** Of these, the ones that wait for the receiver: for its answer, or for one of its sockets. */
  readonly outside: number;
  /** Since then something is outside and nothing came back. */
  readonly quietSinceMs: number;
  /** Smoothed time from a request's leaving to its end; 0 until the first. */
  readonly typicalMs: number;
  readonly limit: InFlightLimit;
  readonly circuit: GateCircuit;
  readonly trust: Trust;
};

/** A time-out makes a webhook slow until then, or until so many successes in a row. */
export type Trust = { readonly slowUntilMs: number; readonly successesToGo: number };

const TRUSTED: Trust = { slowUntilMs: Number.NEGATIVE_INFINITY, successesToGo: 0 };

/** Nothing came back for so long: slow, until something does. */
export const QUIET_MS_MAX = 1_000;
/** After a time-out. */
export const SLOW_MS = 60_000;
export const SUCCESSES_TO_TRUST = 16;
/** A receiver that takes no longer has the pace of any that is well: 64 requests at once are 256 a second then. */
export const BRISK_MS = 250;
/**
 * Attempts that are let in ahead of a brisk receiver: they are signed meanwhile and wait for one of its sockets. Of the
 * 128 to an origin a webhook gets half at most, so that the receiver never sees more than its limit.
 */
export const AHEAD_MAX = 32;
/** A busy event loop makes every receiver look slow, each by several turns of it. */
const LAG_FACTOR = 10;
/** A gate with a closed circuit is remembered for this long after its last answer. */
export const UNUSED_MS_MAX = 60 * 60_000;
/** Weight of the last duration among those before it. */
const SMOOTHING = 1 / 16;

export const OPEN_GATE: WebhookGate = {
  inFlight: 0,
  outside: 0,
  quietSinceMs: 0,
  typicalMs: 0,
  limit: FULL_LIMIT,
  circuit: UNTRIED_CIRCUIT,
  trust: TRUSTED,
};

/** Attempts that may be in hand, those included that wait for a signature or a socket. */
export function admittedMax({ limit, typicalMs }: WebhookGate): number {
  const isBrisk = typicalMs > 0 && typicalMs < BRISK_MS;
  return isBrisk && limit.max === IN_FLIGHT_MAX ? IN_FLIGHT_MAX + AHEAD_MAX : limit.max;
}

export function afterEntry(gate: WebhookGate): WebhookGate {
  return { ...gate, inFlight: gate.inFlight + 1 };
}

export function afterLeave(gate: WebhookGate): WebhookGate {
  return { ...gate, inFlight: gate.inFlight - 1 };
}

/** The receiver's turn begins: a request leaves, or waits for one of the receiver's sockets. */
export function afterDeparture(gate: WebhookGate, nowMs: number): WebhookGate {
  return { ...gate, outside: gate.outside + 1, quietSinceMs: gate.outside === 0 ? nowMs : gate.quietSinceMs };
}

/** It got its socket, or nothing came of it: that says nothing about the receiver. */
export function afterReturn(gate: WebhookGate): WebhookGate {
  return { ...gate, outside: gate.outside - 1 };
}

export type Answer = {
  readonly sign: ReceiverSign;
  readonly leftAtMs: number;
  /** The scheduler's probe for a generation later than `circuitsClosed`; undefined: an ordinary attempt. */
  readonly probe: { readonly circuitsClosed: number } | undefined;
};

/** The end of an exchange. The attempt keeps its place until `afterLeave`. */
export function afterAnswer(gate: WebhookGate, { sign, leftAtMs, probe }: Answer, nowMs: number): WebhookGate {
  const durationMs = nowMs - leftAtMs;
  const circuit =
    probe === undefined
      ? circuitAfter(gate.circuit, sign)
      : circuitAfterProbe(gate.circuit, sign, probe.circuitsClosed);
  const limit = limitAfter(gate.limit, sign, leftAtMs, nowMs);
  const isBackAgain = gate.circuit.kind === "open" && circuit.kind === "closed";
  return {
    inFlight: gate.inFlight,
    outside: gate.outside - 1,
    quietSinceMs: nowMs,
    typicalMs: gate.typicalMs === 0 ? durationMs : gate.typicalMs + (durationMs - gate.typicalMs) * SMOOTHING,
    limit: isBackAgain ? limitAfterOutage(limit) : limit,
    circuit,
    trust: isBackAgain ? TRUSTED : trustAfter(gate.trust, sign, nowMs),
  };
}

/** @param circuitsClosed what a work item's terms say. */
export function afterWord(gate: WebhookGate, circuitsClosed: number): WebhookGate {
  const circuit = circuitToldOf(gate.circuit, circuitsClosed);
  if (circuit === gate.circuit) return gate;
  const isBackAgain = gate.circuit.kind === "open" && circuit.kind === "closed";
  return isBackAgain ? { ...gate, circuit, limit: limitAfterOutage(gate.limit), trust: TRUSTED } : { ...gate, circuit };
}

/** Has it timed out recently, or is it silent now, or behind an open circuit? Such webhooks share a small pool. */
export function isSlow(gate: WebhookGate, nowMs: number, lagMs: number): boolean {
  return (
    gate.circuit.kind === "open" ||
    nowMs < gate.trust.slowUntilMs ||
    quietMs(gate, nowMs) >= QUIET_MS_MAX + LAG_FACTOR * lagMs
  );
}

/** Is it the receiver, and not the engine, that more work than this webhook can take at a time has to wait for? */
export function isOutrun(gate: WebhookGate, nowMs: number, lagMs: number): boolean {
  if (gate.limit.max < IN_FLIGHT_MAX || isSlow(gate, nowMs, lagMs)) return true;
  // What is under way and not outside waits for the engine, however long the receiver takes otherwise.
  const isMostlyOutside = gate.outside * 2 >= gate.inFlight;
  return isMostlyOutside && Math.max(gate.typicalMs, quietMs(gate, nowMs)) >= BRISK_MS + LAG_FACTOR * lagMs;
}

/**
 * Nothing of it needs to be remembered: a new gate would do the same, or it was not used for so long that failures in a
 * row mean little. A generation is heard of again; an open circuit is kept, since nothing tells its use.
 */
export function isForgettable(gate: WebhookGate, nowMs: number): boolean {
  const { inFlight, limit, circuit, trust } = gate;
  if (inFlight === 0 && gate.outside === 0 && circuit.kind === "closed" && nowMs - gate.quietSinceMs >= UNUSED_MS_MAX) {
    return true;
  }
  const isUntouched = circuit.kind === "closed" && circuit.failures === 0 && circuit.generation === 0;
  return (
    inFlight === 0 && gate.outside === 0 && isUntouched && limit.max === IN_FLIGHT_MAX && trust.slowUntilMs <= nowMs
  );
}

function quietMs(gate: WebhookGate, nowMs: number): number {
  return gate.outside === 0 ? 0 : nowMs - gate.quietSinceMs;
}

function trustAfter(trust: Trust, sign: ReceiverSign, nowMs: number): Trust {
  if (sign === "silent") return { slowUntilMs: nowMs + SLOW_MS, successesToGo: SUCCESSES_TO_TRUST };
  if (trust.slowUntilMs <= nowMs) return trust;
  if (sign !== "delivered") return { ...trust, successesToGo: SUCCESSES_TO_TRUST };
  const successesToGo = trust.successesToGo - 1;
  return successesToGo > 0 ? { ...trust, successesToGo } : TRUSTED;
}
