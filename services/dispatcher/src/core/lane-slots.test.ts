import { expect, it } from "vitest";
import { slotsNow } from "./lane-slots.ts";

it.each([
  [0, 128],
  [3, 128],
  [6, 64],
  [9, 42],
  [12, 32],
  [1_000, 32],
])("leaves a lane that can wait the fewer slots the more the event loop lags: %d ms, %d slots", (lagMs, slots) => {
  expect(slotsNow({ slotsMax: 128, slotsMin: 32 }, lagMs)).toBe(slots);
});

it("leaves a lane that gives way to no other all of them", () => {
  expect(slotsNow({ slotsMax: 512, slotsMin: 512 }, 1_000)).toBe(512);
});
