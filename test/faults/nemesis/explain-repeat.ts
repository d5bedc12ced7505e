/**
 * Says why a request was made again: only one that was in flight, or whose acknowledgement the broker forgot, when a
 * process died or froze may be. In flight is a request until its outcome is logged and its work item acknowledged. A
 * dispatcher that is asked to end waits for its requests, but not as long as one may hang. One more reason is the
 * receiver's: it broke a connection that it had kept open, and was sent the request on another.
 */

import type { Act } from "./act-log.ts";
import { WEBHOOK_TIMEOUT_MS } from "./load.ts";
import type { Hit } from "./receivers.ts";

export type Explanation =
  | { readonly kind: "explained"; readonly act: Act; readonly as: "in flight" | "ack forgotten" }
  | { readonly kind: "redone" }
  /** The nearest act of those that could, in words. */
  | { readonly kind: "unexplained"; readonly nearest: string | undefined };

/** From a request to its acknowledged outcome, on a machine that runs everything at once. */
const IN_FLIGHT_MS = 3_000;
/** A dispatcher that is asked to end waits this long for requests under way. */
const STOP_MS = 5_000;
/** From a request whose connection the receiver broke to the record of the same on another, which is one attempt. */
const REDONE_MS = WEBHOOK_TIMEOUT_MS + 15_000;
/** From the moment that an act is noted to the request that it let out. */
const NOTED_MS = 1_000;
/** What a broker hands out anew waits for the fence, which may take its time after the same act. */
const FENCE_MS = 10_000;

/**
 * A request without a record, or any earlier one of the same delivery, met the end or the pause of whoever had it in
 * hand or of the broker that was told of it.
 */
export function explainRepeat(repeat: Hit, hits: readonly Hit[], acts: readonly Act[]): Explanation {
  const candidates = acts.filter((act) => isCarrier(act) || isBroker(act));
  for (const hit of [repeat, ...hits.filter(({ atMs }) => atMs < repeat.atMs)]) {
    const act = candidates.find((candidate) => meets(candidate, hit));
    if (act !== undefined) return { kind: "explained", act, as: isCarrier(act) ? "in flight" : "ack forgotten" };
  }
  if (isRedone(repeat, hits)) return { kind: "redone" };
  return { kind: "unexplained", nearest: nearestTo(repeat.atMs, candidates) };
}

function meets(act: Act, { atMs, answer }: Hit): boolean {
  const { fromMs, untilMs = Number.POSITIVE_INFINITY } = act;
  if (isStop(act)) return answer === "hang" && isCutOff(atMs - fromMs);
  const inFlightMs = answer === "hang" ? WEBHOOK_TIMEOUT_MS + IN_FLIGHT_MS : IN_FLIGHT_MS;
  return atMs >= fromMs - inFlightMs && atMs <= untilMs + (isBroker(act) ? FENCE_MS : NOTED_MS);
}

/** Has requests under way. */
function isCarrier({ target }: Act): boolean {
  return target.startsWith("dispatcher");
}

/** Requests under way may end, and what waits is handed back unbegun. */
function isStop(act: Act): boolean {
  return isCarrier(act) && act.kind === "restart";
}

/**
 * Whether a request that hangs was still under way when its stopping sender waited no longer. None is begun once it has
 * been asked to end; the request is noted where it is read, which may be a little later.
 * @param sinceAskedMs from the moment that the sender was asked to end to the request.
 */
function isCutOff(sinceAskedMs: number): boolean {
  return sinceAskedMs >= STOP_MS - WEBHOOK_TIMEOUT_MS - NOTED_MS && sinceAskedMs <= NOTED_MS;
}

/** It, or the one before it, was answered by a reset, and the next came at once. */
function isRedone(repeat: Hit, hits: readonly Hit[]): boolean {
  const byTime = [...hits].sort((a, b) => a.atMs - b.atMs);
  return byTime.some((hit, index) => {
    const next = byTime[index + 1];
    if (next === undefined || hit.answer !== "reset" || next.atMs - hit.atMs > REDONE_MS) return false;
    return hit === repeat || next === repeat;
  });
}

function isBroker({ target }: Act): boolean {
  return target.startsWith("nats");
}

function nearestTo(momentMs: number, acts: readonly Act[]): string | undefined {
  const distances = acts.map((act) => ({ act, ms: distance(act, momentMs) })).sort((a, b) => a.ms - b.ms);
  const nearest = distances[0];
  return nearest && `${nearest.act.kind} ${nearest.act.target}, ${(nearest.ms / 1_000).toFixed(1)} s away`;
}

function distance({ fromMs, untilMs = Number.POSITIVE_INFINITY }: Act, momentMs: number): number {
  return Math.max(0, fromMs - momentMs, momentMs - untilMs);
}
