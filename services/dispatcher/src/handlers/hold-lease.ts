/** No POST begins on a lease that has run out. While the request is under way the lane goes on extending it. */

import type { TakenMessage } from "@posthorn/message-bus";

/** A process that stood still begins with at least this much: the lane's next round may be late, too. */
const LEASE_LEFT_MS_MIN = 5_000;

/** False when the lease has ended. */
export function holdLease(message: Pick<TakenMessage, "leaseEndsAtMs" | "working">): boolean {
  const leftMs = message.leaseEndsAtMs() - performance.now();
  if (leftMs <= 0) return false;
  if (leftMs < LEASE_LEFT_MS_MIN) message.working();
  return true;
}
