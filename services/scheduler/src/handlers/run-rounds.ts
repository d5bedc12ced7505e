/** Loops that end together; each waits for its round, so that none overtakes itself. */

import { setTimeout as sleep } from "node:timers/promises";

export type Round = {
  readonly part: string;
  /** From the end of one round to the next, or as long as the round itself took. */
  readonly everyMs: number | (() => number);
  /** @returns whether there is more to do at once. */
  readonly act: () => Promise<boolean>;
};

const TROUBLE_WAIT_MS = 1_000;
/** At a stop a round may end; one that waits for an outage to pass is left, its claims run out. */
const STOP_MS_MAX = 3_000;

export function runRounds(
  rounds: readonly Round[],
  onTrouble: (part: string, error: unknown) => void,
): AsyncDisposable {
  const stopping = new AbortController();

  async function run({ part, everyMs, act }: Round): Promise<void> {
    while (!stopping.signal.aborted) {
      const startedAtMs = performance.now();
      let waitMs = 0;
      try {
        if (await act()) continue;
        waitMs = Math.max(typeof everyMs === "number" ? everyMs : everyMs(), performance.now() - startedAtMs);
      } catch (error) {
        onTrouble(part, error);
        waitMs = TROUBLE_WAIT_MS;
      }
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = rounds.map(run);
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.race([Promise.all(running), sleep(STOP_MS_MAX, undefined, { ref: false })]);
    },
  };
}
