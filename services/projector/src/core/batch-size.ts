/** How many of the waiting log messages one transaction takes: what is there, up to two bounds. */

export type MessageSize = { readonly byteCount: number };

export type BatchLimits = { readonly messagesMax: number; readonly bytesMax: number };

/** At least one when any waits: a single message may exceed the bounds, and has to go through nevertheless. */
export function batchSize(waiting: readonly MessageSize[], limits: BatchLimits): number {
  let count = 0;
  let bytes = 0;
  for (const message of waiting) {
    bytes += message.byteCount;
    if (count > 0 && bytes > limits.bytesMax) break;
    count += 1;
    if (count === limits.messagesMax) break;
  }
  return count;
}
