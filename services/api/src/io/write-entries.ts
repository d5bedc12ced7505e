/** Puts values into the configuration bucket, several at a time; a value never goes over a newer one. */

import {
  type BusConnection,
  type ConfigKey,
  type ConfigWrite,
  type Publisher,
  writeConfigValue,
} from "@posthorn/message-bus";
import type { BucketEntry } from "./config-rows.ts";

export type WrittenEntries = {
  /** The bucket holds these, or newer ones. */
  readonly written: readonly BucketEntry[];
  /** Those of them of which the bucket holds a newer version. */
  readonly outdated: readonly OutdatedEntry[];
  /** Why the others were not written; undefined when all were. */
  readonly failure: string | undefined;
};

export type OutdatedEntry = { readonly key: ConfigKey; readonly heldVersion: number };

export type WriteEntries = (entries: readonly BucketEntry[]) => Promise<WrittenEntries>;

/** A write is two round trips; this many overlap. */
const CONCURRENT_WRITES_MAX = 64;

export function entryWriter(connection: BusConnection, publisher: Publisher, nowMs: () => number): WriteEntries {
  async function write({ key, value }: BucketEntry): Promise<ConfigWrite> {
    try {
      return await writeConfigValue(connection, publisher, key, value, nowMs());
    } catch (error) {
      return { kind: "unavailable", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  return async (entries) => {
    const written: BucketEntry[] = [];
    const outdated: OutdatedEntry[] = [];
    for (let start = 0; start < entries.length; start += CONCURRENT_WRITES_MAX) {
      const group = entries.slice(start, start + CONCURRENT_WRITES_MAX);
      const answers = await Promise.all(group.map(write));
      let failure: string | undefined;
      for (const [index, answer] of answers.entries()) {
        const entry = group[index];
        if (answer.kind === "unavailable") failure ??= answer.reason;
        else if (entry !== undefined) {
          written.push(entry);
          const { heldVersion } = answer;
          if (heldVersion > entry.value.version) outdated.push({ key: entry.key, heldVersion });
        }
      }
      if (failure !== undefined) return { written, outdated, failure };
    }
    return { written, outdated, failure: undefined };
  };
}
