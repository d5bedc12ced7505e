/** Puts values into the configuration bucket, several at a time; a value never goes over a newer one. */

import { type BusConnection, type Publisher, writeConfigValue } from "@posthorn/message-bus";
import type { BucketEntry } from "./config-rows.ts";

export type WrittenEntries = {
  /** The bucket holds these, or newer ones. */
  readonly written: readonly BucketEntry[];
  /** Why the others were not written; undefined when all were. */
  readonly failure: string | undefined;
};

export type WriteEntries = (entries: readonly BucketEntry[]) => Promise<WrittenEntries>;

/** A write is two round trips; this many overlap. */
const CONCURRENT_WRITES_MAX = 64;

export function entryWriter(connection: BusConnection, publisher: Publisher, nowMs: () => number): WriteEntries {
  async function write({ key, value }: BucketEntry): Promise<string | undefined> {
    try {
      const result = await writeConfigValue(connection, publisher, key, value, nowMs());
      return result.kind === "written" ? undefined : result.reason;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  return async (entries) => {
    const written: BucketEntry[] = [];
    for (let start = 0; start < entries.length; start += CONCURRENT_WRITES_MAX) {
      const group = entries.slice(start, start + CONCURRENT_WRITES_MAX);
      const failures = await Promise.all(group.map(write));
      written.push(...group.filter((_, index) => failures[index] === undefined));
      const failure = failures.find((reason) => reason !== undefined);
      if (failure !== undefined) return { written, failure };
    }
    return { written, failure: undefined };
  };
}
