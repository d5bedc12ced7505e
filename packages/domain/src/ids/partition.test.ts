import { describe, expect, it } from "vitest";
import { parseOrgId, uuidv5 } from "./ids.ts";
import { ALL_PARTITIONS, PARTITIONS, partitionOf } from "./partition.ts";

const NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

describe("partitionOf", () => {
  // Computed by an independent FNV-1a: a change here would split the history of every organisation.
  it.each([
    ["01890a5d-ac96-774b-bcce-b302099a8057", 3],
    ["0190163d-8694-739b-aea5-966c26f8ad90", 5],
    ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", 0],
    ["00000000-0000-0000-0000-000000000000", 1],
    ["ffffffff-ffff-ffff-ffff-ffffffffffff", 1],
  ])("puts %s into %i, for ever", (id, partition) => {
    expect(partitionOf(orgId(id))).toBe(partition);
  });

  it("spreads organisations evenly", () => {
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (let index = 0; index < 8_000; index += 1) {
      const partition = partitionOf(orgId(uuidv5(NAMESPACE, String(index))));
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });
});

describe("ALL_PARTITIONS", () => {
  it("lists them in order", () => {
    expect(ALL_PARTITIONS).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

function orgId(text: string) {
  const id = parseOrgId(text);
  if (id === undefined) throw new Error(`not a UUID: ${text}`);
  return id;
}
