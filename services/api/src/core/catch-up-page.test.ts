import { parseEventId, uuidv7 } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { decodeCatchUpCursor, encodeCatchUpCursor } from "./catch-up-cursor.ts";
import { catchUpJson, emptyPage, extendPage, type FoundEvent, PAGE_DATA_BYTES_MAX } from "./catch-up-page.ts";

const EPOCH_MS = 1_774_359_420_000;
const START = { epochMs: EPOCH_MS, sequence: 4, index: 0, atMs: EPOCH_MS };

function found(sequence: number, changes: Partial<FoundEvent> = {}): FoundEvent {
  const id = parseEventId(uuidv7(EPOCH_MS + sequence, new Uint8Array(10)));
  if (id === undefined) throw new Error("a malformed id");
  return {
    id,
    type: "agent.status",
    timestamp: undefined,
    acceptedAtMs: EPOCH_MS + sequence,
    place: { epochMs: EPOCH_MS, sequence, index: 0 },
    data: { kind: "present", text: Buffer.from("{}") },
    isTest: false,
    ...changes,
  };
}

const LOST = { data: { kind: "gone", why: "age" } } as const;
const LIMIT = 3;

const extend = (events: readonly FoundEvent[], mayMiss = false, page = emptyPage(START)) =>
  extendPage(page, events, LIMIT, mayMiss);

const idsOf = (items: readonly string[]) => items.map((item) => JSON.parse(item).id);

describe("a page of events", () => {
  it("ends behind the last event that was looked at", () => {
    const page = extend([found(5), found(6)]);
    expect(page).toMatchObject({ kind: "open", dataBytes: 4, end: { sequence: 6, index: 0, atMs: EPOCH_MS + 6 } });
    expect(idsOf(page.items)).toEqual([found(5).id, found(6).id]);
  });

  it("is full at its limit, and what did not fit comes next", () => {
    const page = extend([found(5), found(6), found(7), found(8)]);
    expect(page).toMatchObject({ kind: "full", end: { sequence: 7 } });
    expect(page.items).toHaveLength(LIMIT);
    expect(extend([found(5), found(6), found(7)]).kind).toBe("full");
  });

  it("is full before its data is too much, but has one event however large", () => {
    const data = { kind: "present", text: Buffer.alloc(PAGE_DATA_BYTES_MAX, 0x20) } as const;
    expect(extend([found(5, { data }), found(6)])).toMatchObject({ kind: "full", end: { sequence: 5 } });
    expect(extend([found(5), found(6, { data })])).toMatchObject({ kind: "full", end: { sequence: 5 } });
  });

  it("passes over tests, and shows what was deleted as deleted", () => {
    const page = extend([found(5, { isTest: true }), found(6, { data: { kind: "gone", why: "deleted" } })]);
    expect(page.items.map((item) => JSON.parse(item))).toMatchObject([{ data: null, data_gone: "deleted" }]);
    expect(extend([found(5, { isTest: true })])).toMatchObject({ kind: "open", items: [], end: { sequence: 5 } });
  });

  it("ends before what is lost, for those who go on from somewhere", () => {
    expect(extend([found(5, LOST), found(6)])).toMatchObject({ kind: "lost", items: [], end: START });
    expect(extend([found(5), found(6, LOST)])).toMatchObject({ kind: "lost", end: { sequence: 5 } });
  });

  it("begins behind what is lost, for those who begin with the oldest", () => {
    const page = extend([found(5, LOST), found(6)], true, emptyPage(undefined));
    expect(page).toMatchObject({ kind: "open", end: { sequence: 6 } });
    expect(extend([found(7, LOST)], true, page)).toMatchObject({ kind: "lost", end: { sequence: 6 } });
  });

  it("says where the next one begins", () => {
    const page = extend([found(5)]);
    const { items, next_cursor } = JSON.parse(catchUpJson(page, START));
    expect(items).toHaveLength(1);
    expect(decodeCatchUpCursor(next_cursor)).toEqual(START);
    expect(decodeCatchUpCursor(encodeCatchUpCursor({ ...START, index: 2 ** 31 }))).toBeUndefined();
  });
});
