/** No POST begins on a lease that has run out, and a lease outlives the attempt that begins on it. */

import type { TakenMessage } from "@posthorn/message-bus";

/** The lease outlives the attempt's deadline by this much, so that its outcome can be logged under it. */
const LEASE_MARGIN_MS = 10_000;

/** False when the lease has ended. Otherwise it is made long enough for the attempt. */
export function holdLease(message: Pick<TakenMessage, "leaseEndsAtMs" | "working">, timeoutMs: number): boolean {
  const leftMs = message.leaseEndsAtMs() - performance.now();
  if (leftMs <= 0) return false;
  if (leftMs < timeoutMs + LEASE_MARGIN_MS) message.working();
  return true;
}
