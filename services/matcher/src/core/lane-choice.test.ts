import { describe, expect, it } from "vitest";
import { CALM_ITEMS_MAX, CALM_MS_MIN, CROWDED_FROM, type Lane, LaneChoice, LOOK_AFTER_ITEMS } from "./lane-choice.ts";
import { orgId } from "./matcher.fixture.ts";

const [FLOOD, QUIET, OTHER] = [orgId(1), orgId(2), orgId(3)];

/** A partition whose stream is asked whenever the choice wants it, and answers at once. */
class Partition {
  readonly choice = new LaneChoice();
  readonly unfinished = { main: 0, backlog: 0 };
  nowMs = 0;
  looks = 0;

  /** Items one by one, each as a bundle. @returns the lane of the last one. */
  put(org: typeof FLOOD, items: number): Lane {
    let lane: Lane = "main";
    for (let item = 0; item < items; item += 1) {
      lane = this.choice.laneFor(org, 1);
      this.unfinished[lane] += 1;
      this.nowMs += 0.05;
      if (this.choice.isLookDue(this.nowMs)) this.look();
    }
    return lane;
  }

  look(): void {
    this.looks += 1;
    this.choice.beginLook(this.nowMs)({ ...this.unfinished });
  }

  take(lane: Lane, items: number): void {
    this.unfinished[lane] = Math.max(0, this.unfinished[lane] - items);
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }
}

describe("the choice of a lane", () => {
  it("is the main lane for everybody while it is worked off", () => {
    const partition = new Partition();
    for (let round = 0; round < 100; round += 1) {
      expect(partition.put(FLOOD, 500)).toBe("main");
      expect(partition.put(QUIET, 5)).toBe("main");
      partition.take("main", 505);
      partition.pass(50);
    }
    expect(partition.unfinished).toEqual({ main: 0, backlog: 0 });
  });

  it("sends a flood to the backlog lane, and nobody else", () => {
    const partition = new Partition();
    partition.put(QUIET, 20);
    expect(partition.put(FLOOD, 20_000)).toBe("backlog");
    expect(partition.unfinished.main).toBeLessThanOrEqual(CROWDED_FROM + 20);
    expect(partition.put(QUIET, 20)).toBe("main");
    partition.take("main", CROWDED_FROM);
    expect(partition.put(QUIET, 500)).toBe("main");
    expect(partition.put(OTHER, 500)).toBe("main");
    expect(partition.put(FLOOD, 1)).toBe("backlog");
  });

  it("knows the flood among several, and each flood of several", () => {
    const partition = new Partition();
    let lanes: Lane[] = [];
    for (let round = 0; round < 2_000; round += 1) {
      lanes = [partition.put(FLOOD, 10), partition.put(OTHER, 10), partition.put(QUIET, 1)];
      partition.take("main", 2);
    }
    expect(lanes).toEqual(["backlog", "backlog", "main"]);
  });

  it("holds nothing against an organisation that was taken long ago", () => {
    const partition = new Partition();
    partition.put(QUIET, CROWDED_FROM - 100);
    partition.take("main", CROWDED_FROM);
    partition.pass(1_000);
    partition.put(FLOOD, LOOK_AFTER_ITEMS);
    expect(partition.put(FLOOD, 10_000)).toBe("backlog");
    expect(partition.put(QUIET, 100)).toBe("main");
  });

  it("counts what others than this process have put into the lane", () => {
    const partition = new Partition();
    partition.put(FLOOD, LOOK_AFTER_ITEMS);
    partition.unfinished.main += 2 * CROWDED_FROM;
    partition.pass(50);
    partition.put(FLOOD, LOOK_AFTER_ITEMS);
    expect(partition.put(FLOOD, 1_000)).toBe("backlog");
  });

  it("takes a bundle for as many items as bundles have lately", () => {
    const choice = new LaneChoice();
    let lane: Lane = "main";
    let bundles = 0;
    for (; lane === "main"; bundles += 1) {
      lane = choice.laneFor(FLOOD, 16);
      if (choice.isLookDue(bundles * 20)) choice.beginLook(bundles * 20)({ main: bundles, backlog: 0 });
    }
    expect(bundles).toBeGreaterThanOrEqual(CROWDED_FROM / 16 - 1);
    expect(bundles).toBeLessThan(CROWDED_FROM / 8);
  });

  it("lets a flood come back when little has waited in the backlog lane for a while", () => {
    const partition = new Partition();
    partition.put(FLOOD, 5_000);
    partition.take("main", 5_000);
    partition.take("backlog", 5_000);
    for (let passedMs = 0; passedMs < CALM_MS_MIN; passedMs += 500) {
      partition.pass(500);
      expect(partition.put(FLOOD, CALM_ITEMS_MAX / 2)).toBe("backlog");
      partition.take("backlog", CALM_ITEMS_MAX);
    }
    partition.pass(500);
    partition.put(FLOOD, 1);
    expect(partition.put(FLOOD, 1)).toBe("main");
  });

  it("does not let it come back while more waits there", () => {
    const partition = new Partition();
    partition.put(FLOOD, 5_000);
    partition.take("main", 5_000);
    for (let second = 0; second < 60; second += 1) {
      partition.pass(1_000);
      expect(partition.put(FLOOD, 1)).toBe("backlog");
    }
  });
});

describe("the stream", () => {
  it("is asked by what is put there: never when nothing is, and after so many items otherwise", () => {
    const partition = new Partition();
    expect(partition.choice.isLookDue(1e9)).toBe(false);
    partition.put(QUIET, LOOK_AFTER_ITEMS - 1);
    expect(partition.looks).toBe(0);
    partition.put(QUIET, 1);
    expect(partition.looks).toBe(1);
  });

  it("is asked at a bounded pace by a flood, and for single items while somebody is in the backlog lane", () => {
    const partition = new Partition();
    partition.put(FLOOD, 20_000);
    expect(partition.looks).toBeLessThanOrEqual(1 + partition.nowMs / 20);
    const before = partition.looks;
    partition.pass(300);
    partition.put(QUIET, 1);
    expect(partition.looks).toBe(before + 1);
  });
});
