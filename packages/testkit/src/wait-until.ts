/** Waits for something that happens elsewhere, and says what it last saw when it does not happen. */

import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

const TIMEOUT_MS = 5_000;
const EVERY_MS = 20;

export interface WaitOptions {
  /** Ends the sentence "waited 5,000 ms for ..."; a function is asked at the end. Without it: the check's code. */
  readonly describe?: string | (() => string);
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Calls `check` until it returns something truthy, and returns that. A check that throws counts as "not yet". Rejects
 * with the last value or error after `timeoutMs` (5,000).
 */
export async function waitUntil<T>(check: () => T | Promise<T>, options: WaitOptions = {}): Promise<NonNullable<T>> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  let last: { readonly kind: "value" | "error"; readonly seen: unknown };
  do {
    try {
      const value = await check();
      if (value) return value;
      last = { kind: "value", seen: value };
    } catch (error) {
      last = { kind: "error", seen: error };
    }
    await sleep(options.everyMs ?? EVERY_MS);
  } while (performance.now() < deadline);

  const cause = last.kind === "error" ? last.seen : undefined;
  const describe = options.describe ?? String(check);
  const described = typeof describe === "string" ? describe : describe();
  throw new Error(`waited ${timeoutMs} ms for ${described}; the last ${last.kind} was ${inspect(last.seen)}`, {
    cause,
  });
}
