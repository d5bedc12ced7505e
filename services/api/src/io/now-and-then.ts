/** Chores: what is done now and then, one time after the other, and made up for the next time when it failed. */

export type Chore = {
  readonly everyMs: number;
  readonly act: () => Promise<unknown>;
  readonly onTrouble: (reason: string) => void;
};

/** Disposing waits for what is being done. */
export function nowAndThen({ everyMs, act, onTrouble }: Chore): AsyncDisposable {
  let doing = Promise.resolve();

  async function attempt(): Promise<void> {
    try {
      await act();
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  const timer = setInterval(() => {
    doing = doing.then(attempt);
  }, everyMs);

  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await doing;
    },
  };
}
