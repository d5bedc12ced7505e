/** Tells which requests of a delivery are attempts of its history, and which nobody recorded: those are repeats. */

import type { RecordedAttempt } from "./read-history.ts";
import type { Hit } from "./receivers.ts";

export type MatchedHits = {
  /** Requests beside the recorded attempts. */
  readonly unrecorded: readonly Hit[];
  /** Attempts with an answer that no request got. */
  readonly missing: number;
};

/** An attempt is measured from before the request leaves; both clocks are of one machine. */
const BEFORE_MS = 50;
/** From the end of an attempt to the record of its request. */
const AFTER_MS = 3_000;
/** A request that its sender gave up is still read by a receiver that had no processor: this long after. */
const GIVEN_UP_MS = 60_000;

/** Attempts with an answer take the first request in their time that got it; then those without take what is left. */
export function matchHits(hits: readonly Hit[], attempts: readonly RecordedAttempt[]): MatchedHits {
  const left = [...hits].sort((a, b) => a.atMs - b.atMs);
  const byTime = [...attempts].sort((a, b) => a.startedAtMs - b.startedAtMs);
  const take = (attempt: RecordedAttempt, afterMs: number): boolean => {
    const index = left.findIndex((hit) => fits(hit, attempt, afterMs));
    if (index >= 0) left.splice(index, 1);
    return index >= 0;
  };
  const answered = byTime.filter(({ statusCode }) => statusCode !== null);
  const missing = answered.filter((attempt) => !take(attempt, AFTER_MS)).length;
  const unanswered = byTime.filter(({ statusCode }) => statusCode === null);
  for (const attempt of unanswered.filter((one) => !take(one, AFTER_MS))) take(attempt, GIVEN_UP_MS);
  return { unrecorded: left, missing };
}

function fits({ atMs, answer }: Hit, { startedAtMs, durationMs, statusCode }: RecordedAttempt, afterMs: number) {
  if (atMs < startedAtMs - BEFORE_MS || atMs > startedAtMs + durationMs + afterMs) return false;
  // Whatever was answered may have been lost on its way.
  return statusCode === null || answer === statusCode;
}
