import { describe, expect, it } from "vitest";
import {
  BYTES_PER_PARTITION_MAX,
  ENTRIES_PER_PARTITION_MAX,
  PARTS_PER_PARTITION_MAX,
  PartitionLoad,
} from "./partition-load.ts";

const small = () => ({ entries: 1, bytes: 1 });

describe("a partition", () => {
  it("takes no more parts than it may, and takes again when one is done", () => {
    const load = new PartitionLoad();
    const parts = Array.from({ length: PARTS_PER_PARTITION_MAX }, small);
    for (const part of parts) {
      expect(load.hasRoom(3)).toBe(true);
      load.begin(3, part);
    }
    expect(load.hasRoom(3)).toBe(false);
    for (const part of parts.slice(1)) load.end(3, part);
    expect(load.hasRoom(3)).toBe(true);
  });

  it("is full when its deliveries or its bytes are, what is being taken included", () => {
    const load = new PartitionLoad();
    load.begin(3, { entries: ENTRIES_PER_PARTITION_MAX - 1, bytes: 0 });
    expect(load.hasRoom(3)).toBe(true);
    expect(load.hasRoom(3, { entries: 1, bytes: 0 })).toBe(false);
    load.begin(4, { entries: 0, bytes: BYTES_PER_PARTITION_MAX });
    expect(load.hasRoom(4)).toBe(false);
  });

  it("does not hold up the others", () => {
    const load = new PartitionLoad();
    load.begin(3, { entries: 1_000_000, bytes: 1_000_000_000 });
    expect(load.hasRoom(3)).toBe(false);
    expect(load.hasRoom(2)).toBe(true);
    expect(load.hasRoom(4)).toBe(true);
  });
});
