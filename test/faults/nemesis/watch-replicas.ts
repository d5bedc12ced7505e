/**
 * Tells when every server of a NATS cluster has all that the others have: only then may the next one fail. Asked as
 * whoever replaces servers one by one asks, each server about itself: it knows whether it is still catching up with any
 * stream, consumer or the cluster's own log, which no leader knows of it.
 */

import { setTimeout as sleep } from "node:timers/promises";

const CURRENT_MS_MAX = 60_000;
const ANSWER_MS_MAX = 2_000;
const POLL_MS = 500;
/** A server that has just come back, or was frozen, calls itself current until it hears of what it missed. */
const LOOKS_IN_A_ROW = 3;

/**
 * Returns true when it is so, and false when `stopping` is aborted or it was not so for a minute.
 * @param healthUrls of the servers.
 */
export async function untilReplicasCurrent(healthUrls: readonly string[], stopping: AbortSignal): Promise<boolean> {
  const deadlineMs = performance.now() + CURRENT_MS_MAX;
  let inARow = 0;
  while (!stopping.aborted && performance.now() < deadlineMs) {
    const answers = await Promise.all(healthUrls.map(isCurrent));
    inARow = answers.every(Boolean) ? inARow + 1 : 0;
    if (inARow === LOOKS_IN_A_ROW) return true;
    await sleep(POLL_MS, undefined, { signal: stopping }).catch(() => {});
  }
  return false;
}

async function isCurrent(healthUrl: string): Promise<boolean> {
  try {
    return (await fetch(healthUrl, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })).ok;
  } catch {
    return false;
  }
}
