/**
 * How much of each partition is under way. A partition that has reached a bound takes nothing more until some of it is
 * done, while the others go on: one organisation's backlog, or its huge fan-out, stays in its own partition.
 */

import { ALL_PARTITIONS } from "@posthorn/domain";

export type Load = {
  /** Lines of the log to write: one for every delivery, and one for an event without any. */
  readonly entries: number;
  /** Of the messages. */
  readonly bytes: number;
};

/** Parts of one partition under way: while one waits for its items to be stored, the next one writes its log. */
export const PARTS_PER_PARTITION_MAX = 2;
/** The message that passes this bound is still taken. */
export const ENTRIES_PER_PARTITION_MAX = 2_000;
export const BYTES_PER_PARTITION_MAX = 8 * 1024 * 1024;

const NOTHING: Load = { entries: 0, bytes: 0 };

export class PartitionLoad {
  readonly #parts: readonly Set<Load>[] = ALL_PARTITIONS.map(() => new Set());

  /** May more be taken from the partition, on top of what is being taken just now? */
  hasRoom(partition: number, beingTaken: Load = NOTHING): boolean {
    const parts = this.#partsOf(partition);
    if (parts.size >= PARTS_PER_PARTITION_MAX) return false;
    let { entries, bytes } = beingTaken;
    for (const part of parts) {
      entries += part.entries;
      bytes += part.bytes;
    }
    return entries < ENTRIES_PER_PARTITION_MAX && bytes < BYTES_PER_PARTITION_MAX;
  }

  begin(partition: number, part: Load): void {
    this.#partsOf(partition).add(part);
  }

  end(partition: number, part: Load): void {
    this.#partsOf(partition).delete(part);
  }

  #partsOf(partition: number): Set<Load> {
    const parts = this.#parts[partition];
    if (parts === undefined) throw new RangeError(`there is no partition ${partition}`);
    return parts;
  }
}
