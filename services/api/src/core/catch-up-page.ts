/**
 * A page of events for a receiver that catches up: what fits of those that are found, in the order of acceptance, and
 * where the next page begins. What is deleted is shown as deleted; what is no longer stored ends the page.
 */

import type { PayloadPlace } from "@posthorn/domain";
import { type CatchUpCursor, encodeCatchUpCursor } from "./catch-up-cursor.ts";
import { type EventData, type EventFacts, presentEvent } from "./present-event.ts";

/** Data in one page; the first event goes in however large it is. */
export const PAGE_DATA_BYTES_MAX = 4 * 1024 * 1024;

export type FoundEvent = EventFacts & {
  readonly place: PayloadPlace;
  readonly data: EventData;
  /** Sent by somebody who tried a webhook out: nobody who catches up wants it. */
  readonly isTest: boolean;
};

export type CatchUpPage = {
  /** `lost`: the next event is no longer stored. */
  readonly kind: "open" | "full" | "lost";
  /** JSON texts. */
  readonly items: readonly string[];
  readonly dataBytes: number;
  /** Behind the last event that was looked at; undefined: none was, and the receiver named no place to begin. */
  readonly end: CatchUpCursor | undefined;
};

export function emptyPage(start: CatchUpCursor | undefined): CatchUpPage {
  return { kind: "open", items: [], dataBytes: 0, end: start };
}

/**
 * @param events that follow on the page's end.
 * @param limit of items.
 * @param mayMiss whoever begins at the oldest event has not missed those that are older.
 */
export function extendPage(
  page: CatchUpPage,
  events: readonly FoundEvent[],
  limit: number,
  mayMiss: boolean,
): CatchUpPage {
  const items = [...page.items];
  let { dataBytes, end } = page;
  for (const event of events) {
    const { data, place, acceptedAtMs: atMs } = event;
    const isLost = data.kind === "gone" && data.why === "age";
    if (isLost && !(mayMiss && items.length === 0)) return { kind: "lost", items, dataBytes, end };
    if (!isLost && !event.isTest) {
      const bytes = data.kind === "present" ? data.text.length : 0;
      const isTooMuch = items.length > 0 && dataBytes + bytes > PAGE_DATA_BYTES_MAX;
      if (isTooMuch || items.length === limit) return { kind: "full", items, dataBytes, end };
      items.push(presentEvent(event, data));
      dataBytes += bytes;
    }
    end = { ...place, atMs };
  }
  return { kind: items.length === limit ? "full" : "open", items, dataBytes, end };
}

export function catchUpJson({ items }: CatchUpPage, next: CatchUpCursor): string {
  return `{"items":[${items.join(",")}],"next_cursor":${JSON.stringify(encodeCatchUpCursor(next))}}`;
}
