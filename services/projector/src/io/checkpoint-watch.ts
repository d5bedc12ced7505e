/** How far the partitions have been projected: known for those this process projects, asked of Postgres for others. */

import { setTimeout as sleepFor } from "node:timers/promises";
import type { Pool } from "@posthorn/database";
import type { Checkpoint } from "../core/checkpoint.ts";
import { readCheckpoint } from "./checkpoint-table.ts";

/** Between two looks at the checkpoint of a partition that another process projects. */
const POLL_MS = 50;

export type WantedPosition = { readonly streamEpochMs: number; readonly sequence: number };

export class CheckpointWatch {
  readonly #pool: Pool;
  readonly #known = new Map<number, Checkpoint>();
  /** Partitions that this process looks at anew: their stream may have become another one. */
  readonly #inDoubt = new Set<number>();
  readonly #waiting = new Map<number, (() => void)[]>();
  /** Told of the next one that waits. */
  readonly #onAwaited = new Map<number, () => void>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Told by the partition's projector, after the commit. */
  advance(partition: number, checkpoint: Checkpoint): void {
    this.#known.set(partition, checkpoint);
    this.#inDoubt.delete(partition);
    this.#wakeAll(partition);
  }

  /**
   * Nobody is answered until the partition's projector has looked at the stream again: a LOG that lost its end uses
   * sequences once more, and the checkpoint in Postgres may be ahead of it.
   */
  doubt(partition: number): void {
    this.#known.delete(partition);
    this.#inDoubt.add(partition);
  }

  /** This process no longer knows; others do. */
  forget(partition: number): void {
    this.#known.delete(partition);
    this.#inDoubt.delete(partition);
    this.#wakeAll(partition);
  }

  /**
   * Resolves when somebody waits for the partition to be projected further, at once if somebody does. Only the last call
   * is answered.
   */
  async awaited(partition: number): Promise<void> {
    if (this.#waiting.has(partition)) return;
    await new Promise<void>((resolve) => {
      this.#onAwaited.set(partition, resolve);
    });
  }

  /** False: the signal was aborted before the partition was projected up to there. Rejects when Postgres fails. */
  async reached(partition: number, wanted: WantedPosition, signal: AbortSignal): Promise<boolean> {
    const { promise: aborted, resolve: onAbort } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => onAbort(), { once: true });
    while (!signal.aborted) {
      const known = this.#known.get(partition);
      const isInDoubt = this.#inDoubt.has(partition);
      const checkpoint = known ?? (isInDoubt ? undefined : await readCheckpoint(this.#pool, partition));
      if (checkpoint !== undefined && hasReached(checkpoint, wanted)) return true;
      if (known === undefined && !isInDoubt) await sleepFor(POLL_MS, undefined, { signal }).catch(() => {});
      else await Promise.race([this.#nextChange(partition), aborted]);
    }
    return false;
  }

  #nextChange(partition: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(partition);
    if (waiting === undefined) this.#waiting.set(partition, [resolve]);
    else waiting.push(resolve);
    this.#onAwaited.get(partition)?.();
    return promise;
  }

  #wakeAll(partition: number): void {
    const waiting = this.#waiting.get(partition) ?? [];
    this.#waiting.delete(partition);
    for (const wake of waiting) wake();
  }
}

function hasReached(checkpoint: Checkpoint, wanted: WantedPosition): boolean {
  return checkpoint.streamEpochMs === wanted.streamEpochMs && checkpoint.sequence >= wanted.sequence;
}
