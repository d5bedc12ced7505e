/**
 * Compares bucket and Postgres whenever one of the two may have been restored: at the start, after a connection to
 * either was lost, and every ten minutes. One comparison at a time.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { ApiEvents } from "../events.ts";
import type { BucketComparison } from "../io/compare-bucket.ts";

export type KeepBucketTruePorts = {
  readonly compare: () => Promise<BucketComparison>;
  /** Whether both can be asked, and the bucket is complete. */
  readonly isReady: () => boolean;
  readonly events: Pick<ApiEvents, "bucketCompared" | "trouble">;
};

export type BucketKeeping = AsyncDisposable & {
  /** One of the two may have been restored. */
  suspect(): void;
};

const LOOK_EVERY_MS = 1_000;
const COMPARE_EVERY_MS = 600_000;
/** At a stop a comparison that waits for NATS is left. */
const STOP_MS_MAX = 1_000;

export function keepBucketTrue({ compare, isReady, events }: KeepBucketTruePorts): BucketKeeping {
  const stopping = new AbortController();
  const { signal } = stopping;
  let comparedAtMs = Number.NEGATIVE_INFINITY;

  async function look(): Promise<void> {
    if (!isReady() || performance.now() - comparedAtMs < COMPARE_EVERY_MS) return;
    comparedAtMs = performance.now();
    try {
      events.bucketCompared(await compare());
    } catch (error) {
      comparedAtMs = Number.NEGATIVE_INFINITY;
      if (!signal.aborted) events.trouble("bucket", error instanceof Error ? error.message : String(error));
    }
  }

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await look();
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  const keeping = keep();
  return {
    suspect: () => {
      comparedAtMs = Number.NEGATIVE_INFINITY;
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.race([keeping, sleep(STOP_MS_MAX, undefined, { ref: false })]);
    },
  };
}
