import { createSeededRandom } from "@posthorn/testkit";
import { describe, expect, it } from "vitest";
import { FROZEN_MS_MAX, type PlannedAct, planAct } from "./plan-acts.ts";

const TARGETS = ["dispatcher", "matcher", "nats", "postgres"];
const LIMITS = { spared: [], frozenMsMax: FROZEN_MS_MAX };

function plan(seed: number, count: number, limits: Parameters<typeof planAct>[2] = LIMITS): PlannedAct[] {
  const random = createSeededRandom(seed);
  return Array.from({ length: count }, () => planAct(random, TARGETS, limits)).filter((act) => act !== undefined);
}

describe("the plan of a seed", () => {
  it("is the same every time, and another for another seed", () => {
    expect(plan(7, 50)).toEqual(plan(7, 50));
    expect(plan(7, 50)).not.toEqual(plan(8, 50));
  });

  it("does everything to everybody, and freezes services beyond every lease now and then", () => {
    const acts = plan(1, 2_000);
    expect(new Set(acts.map(({ kind, target }) => `${kind} ${target}`)).size).toBe(3 * TARGETS.length);
    const frozenMs = acts.filter(({ kind }) => kind === "freeze").map((act) => act.frozenMs);
    expect(Math.min(...frozenMs)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...frozenMs)).toBeGreaterThan(66_000);
    const ofServers = acts.filter(({ target }) => ["nats", "postgres"].includes(target));
    expect(Math.max(...ofServers.map((act) => act.frozenMs))).toBeLessThanOrEqual(12_000);
    expect(acts.filter(({ kind, frozenMs: ms }) => kind !== "freeze" && ms > 0)).toEqual([]);
  });

  it("spares a target, or an act on one, and keeps freezes within the limit", () => {
    const acts = plan(1, 500, { spared: ["nats", "kill dispatcher"], frozenMsMax: 2_000 });
    const names = new Set(acts.map(({ kind, target }) => `${kind} ${target}`));
    expect([...names].filter((name) => name.endsWith("nats") || name === "kill dispatcher")).toEqual([]);
    expect(names).toContain("freeze dispatcher");
    expect(Math.max(...acts.map((act) => act.frozenMs))).toBe(2_000);
  });

  it("is empty when nobody is left", () => {
    expect(planAct(createSeededRandom(1), [], LIMITS)).toBeUndefined();
  });
});
