import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cursor, decodeCursor, encodeCursor, pageOf } from "./cursor.ts";

const cursor = (): fc.Arbitrary<Cursor> =>
  fc.record({ createdAtMs: fc.integer({ min: 0, max: 8.64e15 }), id: fc.uuid() });

describe("a cursor", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(cursor(), (place) => {
        expect(decodeCursor(encodeCursor(place))).toEqual(place);
      }),
    );
  });

  it("needs no escapes in a query", () => {
    fc.assert(
      fc.property(cursor(), (place) => {
        expect(encodeCursor(place)).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it("is refused when it is anything else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const place = decodeCursor(text);
        if (place !== undefined) expect(encodeCursor(place)).toBe(text);
      }),
    );
  });

  it.each(["", "x", "!", Buffer.from("1.2").toString("base64url"), Buffer.from("1e3.x").toString("base64url")])(
    "is refused as %j",
    (text) => expect(decodeCursor(text)).toBeUndefined(),
  );

  it("is refused when its time is past what a date can hold", () => {
    const text = Buffer.from("8640000000000001.00000000-0000-4000-8000-000000000000").toString("base64url");
    expect(decodeCursor(text)).toBeUndefined();
  });
});

describe("a page", () => {
  const rows = [5, 4, 3, 2, 1].map((number) => ({
    createdAtMs: number,
    id: `00000000-0000-4000-8000-00000000000${number}`,
  }));

  it("has a cursor only when there is more", () => {
    expect(pageOf(rows, 5, (row) => row)).toEqual({ rows, nextCursor: undefined });
    expect(pageOf([], 5, (row: Cursor) => row)).toEqual({ rows: [], nextCursor: undefined });
  });

  it("goes on behind its last row", () => {
    const page = pageOf(rows, 2, (row) => row);
    expect(page.rows).toEqual(rows.slice(0, 2));
    expect(decodeCursor(page.nextCursor ?? "")).toEqual(rows[1]);
  });
});
