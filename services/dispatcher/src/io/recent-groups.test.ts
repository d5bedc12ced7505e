import { describe, expect, it } from "vitest";
import { type EventGroup, RecentGroups } from "./recent-groups.ts";

const group = (bytes: number): EventGroup => ({ events: [], bytes });

/** Knows the groups that it is given, by sequence, and which ones it was asked for. */
function open(known: Readonly<Record<number, EventGroup>>, limits = { groupsMax: 3, bytesMax: 1_000 }) {
  const asked: number[] = [];
  const read = async (sequence: number) => {
    asked.push(sequence);
    return known[sequence];
  };
  return { groups: new RecentGroups(read, limits), asked };
}

describe("groups that were read lately", () => {
  it("are read once, by those who ask at the same time too", async () => {
    const { groups, asked } = open({ 7: group(10) });
    expect(await Promise.all([groups.get(1, 7), groups.get(1, 7)])).toEqual([group(10), group(10)]);
    await groups.get(1, 7);
    expect(asked).toEqual([7]);
  });

  it("are those of their stream: another one has the same sequences", async () => {
    const { groups, asked } = open({ 7: group(10) });
    await groups.get(1, 7);
    await groups.get(2, 7);
    expect(asked).toEqual([7, 7]);
  });

  it("give way to others, the longest unused first", async () => {
    const { groups, asked } = open({ 1: group(1), 2: group(1), 3: group(1), 4: group(1) });
    for (const sequence of [1, 2, 3, 1, 4, 1, 3, 2]) await groups.get(1, sequence);
    expect(asked).toEqual([1, 2, 3, 4, 2]);
  });

  it("hold no more bytes than they may", async () => {
    const { groups, asked } = open({ 1: group(600), 2: group(600), 3: group(1_001) });
    for (const sequence of [1, 2, 2, 1, 3, 3]) await groups.get(1, sequence);
    expect(asked).toEqual([1, 2, 1, 3, 3]);
  });

  it("are asked for again when the stream had none, or did not answer", async () => {
    const { groups, asked } = open({});
    expect(await groups.get(1, 1)).toBeUndefined();
    expect(await groups.get(1, 1)).toBeUndefined();
    expect(asked).toEqual([1, 1]);
    let calls = 0;
    const failing = new RecentGroups(
      () => {
        calls += 1;
        return Promise.reject(new Error("no answer"));
      },
      { groupsMax: 3, bytesMax: 10 },
    );
    await expect(failing.get(1, 1)).rejects.toThrow("no answer");
    await expect(failing.get(1, 1)).rejects.toThrow("no answer");
    expect(calls).toBe(2);
  });
});
