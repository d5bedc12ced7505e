/**
 * Pages of a delivery's log, oldest first. The log only grows at its end, so a page that ends behind an event is
 * followed by all that came after it.
 */

import type { DeliveryEvent } from "@posthorn/domain";
import { decodeNumbers, encodeNumbers } from "./number-cursor.ts";
import type { LogPosition } from "./present-log-event.ts";

/** The last event of a page: its message, and the how-manieth of the delivery's events it is in there. */
export type LogCursor = { readonly epochMs: number; readonly sequence: number; readonly index: number };

export type PlacedLogEvent = { readonly event: DeliveryEvent; readonly position: LogPosition; readonly index: number };

export type LogPage = { readonly entries: readonly PlacedLogEvent[]; readonly nextCursor: string | undefined };

export function decodeLogCursor(text: string): LogCursor | undefined {
  const [epochMs, sequence, index] = decodeNumbers(text, 3) ?? [];
  return epochMs === undefined || sequence === undefined || index === undefined
    ? undefined
    : { epochMs, sequence, index };
}

/** The messages to read for a page: each holds at least one event, the first perhaps none that is new. */
export function positionsOfPage(
  positions: readonly LogPosition[],
  limit: number,
  cursor: LogCursor | undefined,
): readonly LogPosition[] {
  const from = cursor === undefined ? 0 : positions.findIndex((position) => comparePositions(position, cursor) >= 0);
  return from < 0 ? [] : positions.slice(from, from + limit + 2);
}

/**
 * @param read what `positionsOfPage` said.
 * @param events those of the messages that the archive still holds, in order.
 * @param last of the delivery's positions.
 */
export function logPage(
  read: readonly LogPosition[],
  events: readonly PlacedLogEvent[],
  limit: number,
  cursor: LogCursor | undefined,
  last: LogPosition | undefined,
): LogPage {
  const isNew = ({ position, index }: PlacedLogEvent) =>
    cursor === undefined || comparePositions(position, cursor) > 0 || index > cursor.index;
  const candidates = events.filter(isNew);
  const entries = candidates.slice(0, limit);
  const lastRead = read.at(-1);
  const readsToTheEnd = lastRead === undefined || last === undefined || comparePositions(lastRead, last) >= 0;
  if (candidates.length <= limit && readsToTheEnd) return { entries, nextCursor: undefined };
  const lastEntry = entries.length === limit ? entries.at(-1) : undefined;
  const end = lastEntry === undefined ? { position: lastRead, index: Number.MAX_SAFE_INTEGER } : lastEntry;
  if (end.position === undefined) return { entries, nextCursor: undefined };
  return { entries, nextCursor: encodeNumbers([end.position.epochMs, end.position.sequence, end.index]) };
}

function comparePositions(
  one: Pick<LogPosition, "epochMs" | "sequence">,
  other: Pick<LogPosition, "epochMs" | "sequence">,
): number {
  return one.epochMs - other.epochMs || one.sequence - other.sequence;
}
