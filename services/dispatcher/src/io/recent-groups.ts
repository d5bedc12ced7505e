/**
 * Groups of events that were read lately. Retries that fall due together come from few of them, and a group is read and
 * decoded whole: once for all of these instead of once for each.
 */

import type { AcceptedEvent } from "@posthorn/domain";

/** One message of INGEST. */
export type EventGroup = { readonly events: readonly AcceptedEvent[]; readonly bytes: number };

/** Undefined: the stream does not have it. */
export type ReadGroup = (sequence: number) => Promise<EventGroup | undefined>;

/** What is kept altogether; the longest unused goes first. */
export type GroupLimits = { readonly groupsMax: number; readonly bytesMax: number };

type Kept = { readonly group: Promise<EventGroup | undefined>; bytes: number };

export class RecentGroups {
  readonly #read: ReadGroup;
  readonly #limits: GroupLimits;
  /** By epoch and sequence; the longest unused first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(read: ReadGroup, limits: GroupLimits) {
    this.#read = read;
    this.#limits = limits;
  }

  /** Asks the stream once, however many ask for it meanwhile; what it does not have, or fails to say, is not kept. */
  get(epochMs: number, sequence: number): Promise<EventGroup | undefined> {
    const key = `${epochMs}.${sequence}`;
    const kept = this.#kept.get(key) ?? this.#begin(key, sequence);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.group;
  }

  /** It may have become another one: the next who asks has it read anew. */
  forget(epochMs: number, sequence: number): void {
    const key = `${epochMs}.${sequence}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) this.#drop(key, kept);
  }

  #begin(key: string, sequence: number): Kept {
    const kept: Kept = { group: this.#read(sequence), bytes: 0 };
    kept.group.then(
      (group) => (group === undefined ? this.#drop(key, kept) : this.#weigh(key, kept, group.bytes)),
      () => this.#drop(key, kept),
    );
    return kept;
  }

  #weigh(key: string, kept: Kept, bytes: number): void {
    if (this.#kept.get(key) !== kept) return;
    kept.bytes = bytes;
    this.#bytes += bytes;
    for (const [oldest, other] of this.#kept) {
      if (this.#kept.size <= this.#limits.groupsMax && this.#bytes <= this.#limits.bytesMax) break;
      this.#drop(oldest, other);
    }
  }

  #drop(key: string, kept: Kept): void {
    if (this.#kept.get(key) !== kept) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }
}
