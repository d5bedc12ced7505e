import { describe, expect, test } from "vitest";
import { foldBatch } from "./fold-batch.ts";
import { ACCEPTED_AT_MS, deliveryEvents, logOf } from "./log.fixture.ts";
import { PACE_MS_MAX, PACE_MS_MIN, paceMsAfter } from "./pace.ts";

/** So many deliveries, each delivered so long after its creation, and some that have not ended. */
function delivered(count: number, afterMs: number, underWay = 0) {
  const events = Array.from({ length: count + underWay }, (_, index) => {
    const delivery = deliveryEvents(index);
    const created = { ...delivery.created(), atMs: ACCEPTED_AT_MS };
    return index < count ? [created, { ...delivery.succeeded(1), atMs: ACCEPTED_AT_MS + afterMs }] : [created];
  });
  return foldBatch(logOf(events.flat()), { deliveries: new Map(), health: new Map(), replays: new Map() }).deliveries;
}

describe("the pace of a partition", () => {
  test.each([
    ["nothing came", 0, 150, PACE_MS_MIN],
    ["few deliveries came", 100, 150, PACE_MS_MIN],
    ["deliveries take no time", 300, 20, PACE_MS_MIN],
    ["deliveries take a while", 300, 150, 450],
    ["deliveries take long", 300, 500, PACE_MS_MAX],
    ["no batch could be long enough", 300, 600, PACE_MS_MIN],
    ["a clock is behind the other", 300, -50, PACE_MS_MIN],
  ])("when %s", (_, count, afterMs, paceMs) => {
    expect(paceMsAfter(delivered(count, afterMs))).toBe(paceMs);
  });

  test("is that of the usual delivery, whatever a few of them take", () => {
    const slow = delivered(20, 5_000);
    expect(paceMsAfter([...slow, ...delivered(300, 100)])).toBe(300);
  });

  test("does not ask how long deliveries will take that are under way", () => {
    expect(paceMsAfter(delivered(0, 0, 300))).toBe(PACE_MS_MIN);
    expect(paceMsAfter(delivered(10, 100, 300))).toBe(300);
  });
});
