/**
 * A webhook's circuit as one dispatcher sees it. It opens by itself and closes by a probe, or by word that the circuit
 * of its generation was closed elsewhere: a receiver that is down is asked by the scheduler alone, not by every process.
 */

import { isFailureSign, type ReceiverSign } from "./receiver-sign.ts";

export type GateCircuit = {
  readonly kind: "closed" | "open";
  /** Counts the openings; when closed, the highest one heard of. */
  readonly generation: number;
  /** In a row, while closed. */
  readonly failures: number;
  /** All of those failures were time-outs: dear ones. */
  readonly onlyTimeouts: boolean;
};

/** Failures in a row that open a circuit; fewer are enough when each of them held a socket for the whole time-out. */
export const FAILURES_TO_OPEN = 20;
export const TIMEOUTS_TO_OPEN = 5;

export const UNTRIED_CIRCUIT: GateCircuit = { kind: "closed", generation: 0, failures: 0, onlyTimeouts: true };

/** After an attempt that was no probe. While it is open nothing that was under way changes it. */
export function circuitAfter(circuit: GateCircuit, sign: ReceiverSign): GateCircuit {
  if (circuit.kind === "open" || sign === "none") return circuit;
  if (!isFailureSign(sign)) {
    return circuit.failures === 0 ? circuit : { ...UNTRIED_CIRCUIT, generation: circuit.generation };
  }
  const failures = circuit.failures + 1;
  const onlyTimeouts = circuit.onlyTimeouts && sign === "silent";
  return failures >= (onlyTimeouts ? TIMEOUTS_TO_OPEN : FAILURES_TO_OPEN)
    ? { ...UNTRIED_CIRCUIT, kind: "open", generation: circuit.generation + 1 }
    : { ...circuit, failures, onlyTimeouts };
}

/** Does the answer to a probe say that the receiver is back? It need not like what it got. */
export function isBack(sign: ReceiverSign): boolean {
  return sign !== "none" && !isFailureSign(sign);
}

/**
 * After a probe.
 * @param circuitsClosed what the probe's terms say: the probe is for a later generation than this.
 */
export function circuitAfterProbe(circuit: GateCircuit, sign: ReceiverSign, circuitsClosed: number): GateCircuit {
  if (!isBack(sign)) return circuitAfter(circuit, sign);
  return { ...UNTRIED_CIRCUIT, generation: Math.max(circuit.generation, circuitsClosed + 1) };
}

/** @param circuitsClosed circuits up to this generation are closed, as the scheduler knows. */
export function circuitToldOf(circuit: GateCircuit, circuitsClosed: number): GateCircuit {
  if (circuitsClosed < circuit.generation || circuitsClosed === 0) return circuit;
  return circuit.kind === "open"
    ? { ...UNTRIED_CIRCUIT, generation: circuitsClosed }
    : { ...circuit, generation: circuitsClosed };
}
