import type { DeliveryEvent } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { decodeLogCursor, logPage, type PlacedLogEvent, positionsOfPage } from "./delivery-log-page.ts";

/** Pages do not look at what an event says. */
const EVENT = {} as DeliveryEvent;

type Log = readonly (readonly [epochMs: number, sequence: number, eventCount: number])[];

function positionsOf(log: Log) {
  return log.map(([epochMs, sequence]) => ({ partition: 1, epochMs, sequence }));
}

/** Turns all pages of a log, of which the archive holds what `isHeld` says; returns `epoch:sequence:index` of each. */
function turn(log: Log, limit: number, isHeld: (sequence: number) => boolean = () => true): string[][] {
  const positions = positionsOf(log);
  const pages: string[][] = [];
  let cursor: ReturnType<typeof decodeLogCursor>;
  for (;;) {
    const read = positionsOfPage(positions, limit, cursor);
    const events = read
      .filter(({ sequence }) => isHeld(sequence))
      .flatMap((position): PlacedLogEvent[] => {
        const [, , count = 0] = log[positions.indexOf(position)] ?? [];
        return Array.from({ length: count }, (_, index) => ({ event: EVENT, position, index }));
      });
    const page = logPage(read, events, limit, cursor, positions.at(-1));
    pages.push(page.entries.map(({ position, index }) => `${position.epochMs}:${position.sequence}:${index}`));
    if (page.nextCursor === undefined) return pages;
    cursor = decodeLogCursor(page.nextCursor);
    expect(cursor).toBeDefined();
  }
}

const LOG: Log = [
  [1, 5, 1],
  [1, 9, 3],
  [2, 2, 2],
  [2, 3, 1],
];

describe("the log of a delivery in pages", () => {
  it.each([1, 2, 3, 4, 6])("has everything once and in order, %i at a time", (limit) => {
    const pages = turn(LOG, limit);
    expect(pages.flat()).toEqual(["1:5:0", "1:9:0", "1:9:1", "1:9:2", "2:2:0", "2:2:1", "2:3:0"]);
    expect(pages.every((page) => page.length <= limit)).toBe(true);
  });

  it("is one page when it fits", () => {
    expect(turn(LOG, 7)).toHaveLength(1);
    expect(turn([], 7)).toEqual([[]]);
  });

  it("goes on behind what retention has dropped", () => {
    const many: Log = Array.from({ length: 20 }, (_, index) => [1, index + 1, 1]);
    expect(turn(many, 2, (sequence) => sequence > 17).flat()).toEqual(["1:18:0", "1:19:0", "1:20:0"]);
  });
});
