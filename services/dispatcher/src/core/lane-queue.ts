/**
 * What a lane holds back, by webhook and by what each waits for. Room is shared by what is left of it: a partition may
 * hold no more than is free, and a webhook no more than that leaves to its partition, so that no flood fills the queue.
 */

import { ALL_PARTITIONS, PARTITIONS } from "@posthorn/domain";

export type Waiting = { readonly webhook: string; readonly partition: number };

/** Its webhook's own turn, room among the slow webhooks, or a slot of the lane. */
export type WaitsFor = "own_turn" | "slow_pool" | "slot";

type Line<Entry> = { readonly partition: number; entries: Entry[]; waitsFor: WaitsFor };
type Lines = readonly Set<string>[];

const newLines = (): Lines => ALL_PARTITIONS.map(() => new Set<string>());

export class LaneQueue<Entry extends Waiting> {
  readonly #itemsMax: number;
  readonly #lines = new Map<string, Line<Entry>>();
  readonly #waiting: Record<WaitsFor, Lines> = { own_turn: newLines(), slow_pool: newLines(), slot: newLines() };
  /** How many webhooks wait for what. */
  readonly #counts: Record<WaitsFor, number> = { own_turn: 0, slow_pool: 0, slot: 0 };
  readonly #sizes: number[] = ALL_PARTITIONS.map(() => 0);
  #size = 0;
  #nextPartition = 0;

  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  get size(): number {
    return this.#size;
  }

  /** May more be taken from this partition? */
  hasRoomFor(partition: number): boolean {
    return this.#roomOf(partition) > 0;
  }

  /** May one more wait for this webhook? */
  hasShareFor({ webhook, partition }: Waiting): boolean {
    return this.lengthOf(webhook) < this.#roomOf(partition);
  }

  lengthOf(webhook: string): number {
    return this.#lines.get(webhook)?.entries.length ?? 0;
  }

  webhooks(): readonly string[] {
    return [...this.#lines.keys()];
  }

  /** @param waitsFor counts when nothing of its webhook waits yet. */
  push(entry: Entry, waitsFor: WaitsFor): void {
    const { webhook, partition } = entry;
    const line = this.#lines.get(webhook);
    if (line === undefined) {
      this.#lines.set(webhook, { partition, entries: [entry], waitsFor });
      this.#join(webhook, partition, waitsFor);
    } else {
      line.entries.push(entry);
    }
    this.#grow(partition, 1);
  }

  /** The longest waiting one of a webhook. */
  head(webhook: string): Entry | undefined {
    return this.#lines.get(webhook)?.entries[0];
  }

  shift(webhook: string): Entry | undefined {
    const line = this.#lines.get(webhook);
    const entry = line?.entries.shift();
    if (line === undefined || entry === undefined) return undefined;
    this.#grow(line.partition, -1);
    if (line.entries.length === 0) this.#forget(webhook, line);
    return entry;
  }

  /** Says what a webhook's items wait for now; those of others that wait for it longer come before. */
  waitFor(webhook: string, waitsFor: WaitsFor): void {
    const line = this.#lines.get(webhook);
    if (line === undefined || line.waitsFor === waitsFor) return;
    this.#part(webhook, line);
    line.waitsFor = waitsFor;
    this.#join(webhook, line.partition, waitsFor);
  }

  /**
   * Serves the webhooks that wait for this, partitions in turn and webhooks in turn within each, while there is any of it
   * and one of them makes progress.
   * @param serve true when one item of the webhook was taken from the queue.
   */
  serve(waitsFor: WaitsFor, isThere: () => boolean, serve: (webhook: string) => boolean): void {
    let fruitless = 0;
    while (fruitless < PARTITIONS && this.#counts[waitsFor] > 0 && isThere()) {
      const webhooks = this.#waiting[waitsFor][this.#nextPartition];
      this.#nextPartition = (this.#nextPartition + 1) % PARTITIONS;
      fruitless = webhooks !== undefined && this.#serveOne(webhooks, serve) ? 0 : fruitless + 1;
    }
  }

  #serveOne(webhooks: Set<string>, serve: (webhook: string) => boolean): boolean {
    for (const webhook of webhooks) {
      if (!serve(webhook)) continue;
      // Served, it goes to the end of the line.
      if (webhooks.delete(webhook)) webhooks.add(webhook);
      return true;
    }
    return false;
  }

  /** Takes everything out. */
  drain(): Entry[] {
    return this.webhooks().flatMap((webhook) => this.drainOf(webhook));
  }

  drainOf(webhook: string): Entry[] {
    const line = this.#lines.get(webhook);
    if (line === undefined) return [];
    this.#grow(line.partition, -line.entries.length);
    this.#forget(webhook, line);
    return line.entries;
  }

  *entries(): Generator<Entry, void> {
    for (const { entries } of this.#lines.values()) yield* entries;
  }

  #roomOf(partition: number): number {
    return this.#itemsMax - this.#size - (this.#sizes[partition] ?? 0);
  }

  #grow(partition: number, by: number): void {
    this.#size += by;
    this.#sizes[partition] = (this.#sizes[partition] ?? 0) + by;
  }

  #forget(webhook: string, line: Line<Entry>): void {
    this.#lines.delete(webhook);
    this.#part(webhook, line);
  }

  #join(webhook: string, partition: number, waitsFor: WaitsFor): void {
    this.#waiting[waitsFor][partition]?.add(webhook);
    this.#counts[waitsFor] += 1;
  }

  #part(webhook: string, { waitsFor, partition }: Line<Entry>): void {
    this.#waiting[waitsFor][partition]?.delete(webhook);
    this.#counts[waitsFor] -= 1;
  }
}
