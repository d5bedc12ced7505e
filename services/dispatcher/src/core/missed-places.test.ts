import { describe, expect, it } from "vitest";
import { BELIEVED_AFTER_MS, MissedPlaces } from "./missed-places.ts";

const place = (sequence: number) => ({ epochMs: 7, sequence, index: 0 });

describe("a place that is missed", () => {
  it("is gone when it has been missed for a while, not at the first look", () => {
    const missed = new MissedPlaces();
    expect(missed.miss(place(1), 1_000)).toBe(false);
    expect(missed.miss(place(1), 999 + BELIEVED_AFTER_MS)).toBe(false);
    expect(missed.miss(place(1), 1_000 + BELIEVED_AFTER_MS)).toBe(true);
    expect(missed.miss(place(2), 1_000 + BELIEVED_AFTER_MS)).toBe(false);
  });

  it("begins anew when it was found in between", () => {
    const missed = new MissedPlaces();
    missed.miss(place(1), 0);
    missed.found(place(1));
    expect(missed.miss(place(1), BELIEVED_AFTER_MS)).toBe(false);
  });

  it("is forgotten for others when very many are missed", () => {
    const missed = new MissedPlaces();
    for (let sequence = 0; sequence <= 10_000; sequence += 1) missed.miss(place(sequence), 0);
    expect(missed.miss(place(0), BELIEVED_AFTER_MS)).toBe(false);
    expect(missed.miss(place(10_000), BELIEVED_AFTER_MS)).toBe(true);
  });
});
