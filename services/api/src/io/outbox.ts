/**
 * What both outboxes have in common: committed rows are drained continuously and before the answer of every change, in
 * rounds that callers of one moment share.
 */

export interface Outbox extends AsyncDisposable {
  /** Whether changes came through when last tried. */
  readonly isFlowing: boolean;
  /**
   * Resolves to true once everything that was committed before the call has come through, to false after a bounded
   * wait. Callers of one moment share the work.
   */
  settled(): Promise<boolean>;
}

export type OutboxPorts = {
  /** Brings through everything that is there when it begins; throws when it could not. */
  readonly drain: () => Promise<void>;
  readonly onTrouble: (reason: string) => void;
};

/** How long the answer to a change waits for its effect. */
const SETTLE_MS_MAX = 3_000;
/** How long a change waits whose api died before it could bring it through. */
const DRAIN_EVERY_MS = 2_000;

export function openOutbox({ drain, onTrouble }: OutboxPorts): Outbox {
  let isFlowing = true;
  let current: Promise<boolean> = Promise.resolve(true);
  /** The round that callers of this moment share: it has not looked at the outbox yet. */
  let next: Promise<boolean> | undefined;

  async function round(): Promise<boolean> {
    try {
      await drain();
      isFlowing = true;
    } catch (error) {
      isFlowing = false;
      onTrouble(error instanceof Error ? error.message : String(error));
    }
    return isFlowing;
  }

  function drained(): Promise<boolean> {
    next ??= current.then(() => {
      next = undefined;
      current = round();
      return current;
    });
    return next;
  }

  const timer = setInterval(() => void drained(), DRAIN_EVERY_MS);
  return {
    get isFlowing() {
      return isFlowing;
    },
    settled: async () => {
      const isSettled = await withinBound(drained());
      // A round that hangs has not failed yet, but nothing comes through until it does.
      if (!isSettled) isFlowing = false;
      return isSettled;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await withinBound(current);
    },
  };
}

async function withinBound(work: Promise<boolean>): Promise<boolean> {
  const { promise: bound, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), SETTLE_MS_MAX);
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}
