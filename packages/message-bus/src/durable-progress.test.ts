import { describe, expect, it } from "vitest";
import { type ConsumerRelief, judgeProgress, NOTHING_WATCHED, type Progress } from "./durable-progress.ts";

const CLUSTER = { unacknowledgedMax: 100, isClustered: true };
const ALONE = { ...CLUSTER, isClustered: false };
const OWING: Progress = {
  madeAtMs: 1,
  handedOut: 30,
  deliveredSequence: 20,
  unacknowledged: 5,
  lastSequence: 25,
  hasForgotten: false,
};

/** What each look leads to, one look after the other. */
function reliefsOf(looks: readonly Progress[], limits = CLUSTER): (ConsumerRelief | undefined)[] {
  let watched = NOTHING_WATCHED;
  return looks.map((look) => {
    const verdict = judgeProgress(watched, look, limits);
    watched = verdict.watched;
    return verdict.relief;
  });
}
const looks = (count: number, look = OWING) => Array.from({ length: count }, () => look);
const acts = (reliefs: readonly (ConsumerRelief | undefined)[]) => reliefs.filter((relief) => relief !== undefined);

describe("a durable that hands out nothing of what it owes", () => {
  it("loses its leader at the second look, and is made anew when that did not help", () => {
    expect(reliefsOf(looks(5))).toEqual([undefined, "step-down", undefined, undefined, "make-anew"]);
  });

  it("is made anew at once when what it owes is forgotten, which another leader would not know either", () => {
    const forgetful = { ...OWING, lastSequence: 20, unacknowledged: 0, hasForgotten: true };
    expect(reliefsOf(looks(2, forgetful))).toEqual([undefined, "make-anew"]);
    expect(acts(reliefsOf([{ ...forgetful, hasForgotten: false }, forgetful]))).toEqual([]);
  });

  it("is made anew at once where there is no other leader", () => {
    expect(reliefsOf(looks(2), ALONE)).toEqual([undefined, "make-anew"]);
  });

  it("is left alone for twice as long after each act that did not help, up to 64 looks", () => {
    const found = reliefsOf(looks(390));
    const at = found.flatMap((relief, index) => (relief === undefined ? [] : [index]));
    expect(at.map((index, act) => index - (at[act - 1] ?? -1))).toEqual([2, 3, 5, 9, 17, 33, 65, 65, 65, 65]);
  });

  it("is taken for a new trouble when it had moved in between", () => {
    const moved = { ...OWING, handedOut: 31 };
    expect(acts(reliefsOf([...looks(2), ...looks(1), ...looks(2, moved)]))).toEqual(["step-down", "step-down"]);
  });

  it("keeps what was done in mind when it begins with another past", () => {
    const anew = { ...OWING, madeAtMs: 2, handedOut: 0, deliveredSequence: 0 };
    expect(acts(reliefsOf([...looks(5), ...looks(5, anew)]))).toEqual(["step-down", "make-anew", "step-down"]);
  });
});

describe("a durable that is left alone", () => {
  it.each<[string, readonly Progress[]]>([
    ["it owes nothing", looks(9, { ...OWING, lastSequence: 20 })],
    ["what it owes came between the looks", [{ ...OWING, lastSequence: 20 }, OWING]],
    ["it hands out again what was not acknowledged", looks(9).map((look, at) => ({ ...look, handedOut: at }))],
    ["somebody else made it anew", looks(9).map((look, at) => ({ ...look, madeAtMs: at }))],
    ["it may hand out no more", looks(9, { ...OWING, unacknowledged: 100 })],
  ])("because %s", (_why, seen) => {
    expect(acts(reliefsOf(seen))).toEqual([]);
  });
});
