import { ALL_PARTITIONS } from "@posthorn/domain";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LaneQueue, type Waiting, type WaitsFor } from "./lane-queue.ts";

type Numbered = Waiting & { readonly number: number };
const entry = (webhook: string, partition = 0, number = 0): Numbered => ({ webhook, partition, number });

/** As many as may wait. */
function fill(queue: LaneQueue<Numbered>, webhook: string, partition = 0): number {
  let count = 0;
  while (queue.hasRoomFor(partition) && queue.hasShareFor(entry(webhook, partition))) {
    queue.push(entry(webhook, partition, count), "own_turn");
    count += 1;
  }
  return count;
}

describe("room", () => {
  it("is left for others by a single flood", () => {
    const queue = new LaneQueue<Numbered>(900);
    expect(fill(queue, "flood")).toBe(300);
    expect(queue.hasRoomFor(0)).toBe(true);
    expect(fill(queue, "neighbour")).toBeGreaterThanOrEqual(75);
    expect(fill(queue, "elsewhere", 1)).toBeGreaterThanOrEqual(100);
  });

  it("of one partition cannot be used up by another's, however many webhooks flood", () => {
    const queue = new LaneQueue<Numbered>(900);
    for (let webhook = 0; webhook < 1_000; webhook++) fill(queue, `flood ${webhook}`);
    expect(queue.size).toBeLessThanOrEqual(450);
    for (const partition of ALL_PARTITIONS.slice(1)) expect(queue.hasRoomFor(partition)).toBe(true);
  });

  it("is never exceeded", () => {
    const queue = new LaneQueue<Numbered>(64);
    for (const partition of ALL_PARTITIONS) {
      for (let webhook = 0; webhook < 100; webhook++) fill(queue, `${partition} ${webhook}`, partition);
    }
    expect(queue.size).toBeLessThanOrEqual(64);
  });
});

describe("turns", () => {
  const servedBy = (queue: LaneQueue<Numbered>, count: number, waitsFor: WaitsFor = "slot") => {
    const served: string[] = [];
    queue.serve(
      waitsFor,
      () => served.length < count,
      (webhook) => {
        served.push(webhook);
        return queue.shift(webhook) !== undefined;
      },
    );
    return served;
  };

  it("go to the partitions first, however many webhooks one of them has", () => {
    const queue = new LaneQueue<Numbered>(10_000);
    for (let webhook = 0; webhook < 100; webhook++) queue.push(entry(`flood ${webhook}`, 0), "slot");
    queue.push(entry("alone", 5), "slot");
    expect(servedBy(queue, 3)).toContain("alone");
  });

  it("go to the webhooks within a partition, and each webhook's items keep their order", () => {
    const queue = new LaneQueue<Numbered>(10_000);
    for (let number = 0; number < 3; number++) {
      for (const webhook of ["a", "b"]) queue.push(entry(webhook, 0, number), "slot");
    }
    expect(servedBy(queue, 4)).toEqual(["a", "b", "a", "b"]);
    expect([queue.head("a")?.number, queue.head("b")?.number]).toEqual([2, 2]);
  });

  it("end when nobody makes progress, and when there is no more of what they wait for", () => {
    const queue = new LaneQueue<Numbered>(10_000);
    for (const webhook of ["a", "b", "c"]) queue.push(entry(webhook), "slow_pool");
    const asked: string[] = [];
    queue.serve(
      "slow_pool",
      () => true,
      (webhook) => asked.push(webhook) < 0,
    );
    expect(asked).toEqual(["a", "b", "c"]);
    expect(servedBy(queue, 0, "slow_pool")).toEqual([]);
    expect(servedBy(queue, 5, "slot")).toEqual([]);
  });

  it("go to those who wait for the same: a webhook may come to wait for something else", () => {
    const queue = new LaneQueue<Numbered>(10_000);
    for (const webhook of ["a", "b"]) queue.push(entry(webhook), "slot");
    queue.waitFor("a", "own_turn");
    expect(servedBy(queue, 5)).toEqual(["b"]);
    queue.waitFor("a", "slot");
    expect(servedBy(queue, 5)).toEqual(["a"]);
  });
});

it("counts what it holds, whatever is done to it", () => {
  const webhooks = ["a", "b", "c", "d"];
  const reasons: WaitsFor[] = ["own_turn", "slow_pool", "slot"];
  const step = fc.tuple(fc.constantFrom("push", "shift", "drainOf", "waitFor", "serve"), fc.nat(3), fc.nat(2));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = new LaneQueue<Numbered>(50);
      const model = new Map<string, number[]>(webhooks.map((webhook) => [webhook, []]));
      let number = 0;
      for (const [act, at, why] of steps) {
        const webhook = webhooks[at] ?? "a";
        const reason = reasons[why] ?? "slot";
        const held = model.get(webhook) ?? [];
        if (act === "push") {
          number += 1;
          queue.push(entry(webhook, at % 2, number), reason);
          held.push(number);
        } else if (act === "shift") expect(queue.shift(webhook)?.number).toBe(held.shift());
        else if (act === "drainOf") {
          expect(queue.drainOf(webhook).map((its) => its.number)).toEqual(held.splice(0));
        } else if (act === "waitFor") queue.waitFor(webhook, reason);
        else {
          let left = 2;
          queue.serve(
            reason,
            () => left > 0,
            (served) => {
              left -= 1;
              expect(queue.shift(served)?.number).toBe(model.get(served)?.shift());
              return true;
            },
          );
        }
        expect(queue.size).toBe([...model.values()].flat().length);
        expect([...queue.entries()]).toHaveLength(queue.size);
        for (const [its, numbers] of model) expect(queue.lengthOf(its)).toBe(numbers.length);
      }
      expect(queue.drain()).toHaveLength([...model.values()].flat().length);
      expect(queue.size).toBe(0);
      expect(queue.hasRoomFor(0)).toBe(true);
    }),
  );
});
