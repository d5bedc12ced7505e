/** The events that the bench publishes: 1 KiB of data, as JSON text. */

export const EVENT_TYPE = "bench.event";
const DATA_BYTES = 1_024;
const FILLER = "x".repeat(DATA_BYTES);

/** Of exactly 1 KiB: members first, then what fills it up. */
export function dataOf(members: Readonly<Record<string, number>> = {}): string {
  const start = `{${Object.entries(members)
    .map(([name, value]) => `"${name}":${value},`)
    .join("")}"filler":"`;
  return `${start}${FILLER.slice(0, DATA_BYTES - start.length - 2)}"}`;
}

/** @param callerId makes a repeat of the event harmless. */
export function eventOf(data: string, callerId?: string): string {
  const id = callerId === undefined ? "" : `"id":"${callerId}",`;
  return `{"type":"${EVENT_TYPE}",${id}"data":${data}}`;
}

export function batchOf(events: readonly string[]): string {
  return `{"events":[${events.join(",")}]}`;
}
