/** How many of the waiting log messages one transaction takes: what is there, up to three bounds. */

export type MessageSize = { readonly byteCount: number; readonly eventCount: number };

export type BatchLimits = { readonly messagesMax: number; readonly eventsMax: number; readonly bytesMax: number };

/** At least one when any waits: a single message may exceed the bounds, and has to go through nevertheless. */
export function batchSize(waiting: readonly MessageSize[], limits: BatchLimits): number {
  let count = 0;
  let events = 0;
  let bytes = 0;
  for (const message of waiting) {
    events += message.eventCount;
    bytes += message.byteCount;
    if (count > 0 && (events > limits.eventsMax || bytes > limits.bytesMax)) break;
    count += 1;
    if (count === limits.messagesMax) break;
  }
  return count;
}
