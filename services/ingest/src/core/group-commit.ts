/**
 * How events that wait for the stream share messages. Nothing ever waits for company: while few messages of a partition
 * are on their way the next one leaves with whatever is there, and under load that becomes more by itself.
 */

export type Waiting = {
  /** What the event adds to a message. */
  readonly bytes: number;
  /** Deduplicated by the stream, which knows whole messages only: it travels alone. */
  readonly isAlone: boolean;
};

export type GroupLimits = {
  readonly eventsMax: number;
  readonly bytesMax: number;
  /** Messages of a partition on their way at once when the next one is a group. */
  readonly groupsInFlightMax: number;
  /** The same when the next one is a lone event, which gains nothing by waiting. */
  readonly loneInFlightMax: number;
};

/**
 * How many of the waiting events, from the front, make up the next message; 0 when none should leave now. The order of
 * a partition's events is kept.
 */
export function nextGroupSize(waiting: readonly Waiting[], inFlight: number, limits: GroupLimits): number {
  const [first] = waiting;
  if (first === undefined) return 0;
  if (first.isAlone) return inFlight < limits.loneInFlightMax ? 1 : 0;
  if (inFlight >= limits.groupsInFlightMax) return 0;
  let bytes = first.bytes;
  let size = 1;
  for (; size < waiting.length && size < limits.eventsMax; size += 1) {
    const next = waiting[size];
    if (next === undefined || next.isAlone || bytes + next.bytes > limits.bytesMax) break;
    bytes += next.bytes;
  }
  return size;
}
