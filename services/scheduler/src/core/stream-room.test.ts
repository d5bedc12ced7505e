import { describe, expect, it } from "vitest";
import { planRoom } from "./stream-room.ts";

const FULL = { firstSequence: 1_001, lastSequence: 2_001, bytes: 800, bytesMax: 1_000 };

describe("the room in a stream", () => {
  it("is enough below four fifths of its bytes", () => {
    expect(planRoom({ ...FULL, bytes: 799 }, [])).toEqual({ kind: "room-enough" });
  });

  it("is enough in a stream without a limit", () => {
    expect(planRoom({ ...FULL, bytesMax: -1 }, [])).toEqual({ kind: "room-enough" });
  });

  it("is made by the oldest quarter of the messages at most", () => {
    expect(planRoom(FULL, [])).toEqual({ kind: "purge", before: 1_251 });
    expect(planRoom(FULL, [undefined, 1_900])).toEqual({ kind: "purge", before: 1_251 });
  });

  it("is made up to what anybody needs, without it", () => {
    expect(planRoom(FULL, [1_300, 1_100, undefined])).toEqual({ kind: "purge", before: 1_100 });
  });

  it("cannot be made when the oldest message is needed", () => {
    expect(planRoom(FULL, [1_001])).toEqual({ kind: "all-needed" });
    expect(planRoom(FULL, [4])).toEqual({ kind: "all-needed" });
  });

  it("keeps the last message", () => {
    expect(planRoom({ ...FULL, firstSequence: 2_001 }, [])).toEqual({ kind: "all-needed" });
  });
});
