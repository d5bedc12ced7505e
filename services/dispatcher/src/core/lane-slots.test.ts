import { expect, it } from "vitest";
import { nextSlots } from "./lane-slots.ts";

const LIMITS = { slotsMax: 128, slotsMin: 32 };
const CALM_MS = 1;

it("gives a lane more slots while it makes use of them and the event loop is calm", () => {
  const seen = [32];
  for (let tick = 0; tick < 8; tick += 1) seen.push(nextSlots(seen.at(-1) ?? 0, seen.at(-1) ?? 0, LIMITS, CALM_MS));
  expect(seen).toEqual([32, 40, 50, 63, 79, 99, 124, 128, 128]);
});

it("leaves it what it has while it uses less than half of that", () => {
  expect(nextSlots(100, 49, LIMITS, CALM_MS)).toBe(100);
});

it.each([
  ["the event loop lags", 100, 4],
  ["it is nearly idle", 15, CALM_MS],
])("takes them back when %s", (_, inUse, lagMs) => {
  expect(nextSlots(100, inUse, LIMITS, lagMs)).toBe(32);
});

it("leaves a lane that gives way to no other all of them", () => {
  expect(nextSlots(512, 512, { slotsMax: 512, slotsMin: 512 }, 1_000)).toBe(512);
});
