import { type EventId, limits, parseEventId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { createRecentIds } from "./recent-ids.ts";

describe("createRecentIds", () => {
  it("finds an id until the dedupe window is over", () => {
    const recent = createRecentIds(10);
    recent.remember("a", stored(1, 1_000));
    expect(recent.find("a", 1_000 + limits.DEDUPE_WINDOW_MS - 1)).toEqual(stored(1, 1_000));
    expect(recent.find("a", 1_000 + limits.DEDUPE_WINDOW_MS)).toBeUndefined();
    expect(recent.find("b", 1_000)).toBeUndefined();
  });

  it("leaves to the stream what a clock remembers that was set back since: that would be a repeat for hours", () => {
    const recent = createRecentIds(10);
    const [acceptedAtMs, hourMs] = [7_200_000, 3_600_000];
    recent.remember("a", stored(1, acceptedAtMs));
    expect(recent.find("a", acceptedAtMs - 50)).toEqual(stored(1, acceptedAtMs));
    expect(recent.find("a", acceptedAtMs - hourMs)).toBeUndefined();
  });

  it("forgets what was not used for longest", () => {
    const recent = createRecentIds(2);
    recent.remember("a", stored(1, 0));
    recent.remember("b", stored(2, 0));
    recent.find("a", 0);
    recent.remember("c", stored(3, 0));
    expect([recent.find("a", 0), recent.find("b", 0), recent.find("c", 0)]).toEqual([
      stored(1, 0),
      undefined,
      stored(3, 0),
    ]);
  });

  it("keeps an id of which nobody knows any more whether it is stored", () => {
    const recent = createRecentIds(3);
    const unknown = { ...stored(1, 0), isStored: false };
    recent.remember("a", stored(1, 0));
    recent.remember("b", unknown);
    expect(recent.find("b", 0)).toEqual(unknown);
    recent.doubtAll();
    expect(recent.find("a", 0)).toEqual(unknown);
    recent.remember("a", stored(1, 0));
    expect(recent.find("a", 0)).toEqual(stored(1, 0));
  });
});

const stored = (number: number, acceptedAtMs: number) => ({ id: id(number), acceptedAtMs, isStored: true });

function id(number: number): EventId {
  const parsed = parseEventId(`0199aaaa-0000-7000-8000-00000000000${number}`);
  if (parsed === undefined) throw new Error("not an id");
  return parsed;
}
