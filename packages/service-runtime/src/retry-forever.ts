/** Repeats a task until it succeeds or is called off: for what a process cannot do without, such as its first connection. */
import { setTimeout as sleepFor } from "node:timers/promises";

export interface RetryOptions {
  /** Ends the waiting; the returned promise is then rejected with the signal's reason. */
  readonly signal: AbortSignal;
  readonly firstDelayMs: number;
  /** The delay doubles after each failure up to this one. */
  readonly maxDelayMs: number;
  /** Told of every failure before the wait, to log it. */
  onRetry(failure: { readonly error: unknown; readonly failures: number; readonly delayMs: number }): void;
  /** From 0 to below 1; spreads the retries of many processes over the upper half of the delay. */
  readonly random?: () => number;
  readonly sleep?: (delayMs: number, signal: AbortSignal) => Promise<unknown>;
}

export async function retryForever<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, random = Math.random, sleep = abortableSleep } = options;
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      const delayMs = delayOf(failures, random(), options);
      options.onRetry({ error, failures, delayMs });
      await sleep(delayMs, signal);
    }
  }
}

function delayOf(failures: number, random: number, limits: Pick<RetryOptions, "firstDelayMs" | "maxDelayMs">): number {
  const fullMs = Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** (failures - 1));
  return Math.round(fullMs * (0.5 + random / 2));
}

function abortableSleep(delayMs: number, signal: AbortSignal): Promise<unknown> {
  return sleepFor(delayMs, undefined, { signal });
}
