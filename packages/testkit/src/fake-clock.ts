/** A clock that stands still until a test moves it. */

export interface FakeClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Settles when the clock has been moved at least `ms` further, or rejects when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Moves the clock in steps from one due sleeper to the next, letting each run before the clock goes on. */
  advance(ms: number): Promise<void>;
  /** How many are asleep. */
  readonly sleeperCount: number;
}

interface Sleeper {
  readonly wakeAtMs: number;
  wake(): void;
}

/** Starts at 2026-01-01T00:00:00Z unless told otherwise. */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  const sleepers = new Set<Sleeper>();

  function earliest(untilMs: number): Sleeper | undefined {
    let found: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.wakeAtMs <= untilMs && (found === undefined || sleeper.wakeAtMs < found.wakeAtMs)) found = sleeper;
    }
    return found;
  }

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper = { wakeAtMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      for (let sleeper = earliest(untilMs); sleeper !== undefined; sleeper = earliest(untilMs)) {
        nowMs = Math.max(nowMs, sleeper.wakeAtMs);
        sleepers.delete(sleeper);
        sleeper.wake();
        await settle();
      }
      nowMs = untilMs;
    },
    get sleeperCount() {
      return sleepers.size;
    },
  };
}

/** Lets everything run that only waits for promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
