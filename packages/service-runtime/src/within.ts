/** Waiting with a bound, for stops: nothing that hangs may hold up the rest. */

/** Waits for the promise, but no longer than `limitMs`, and says whether it settled in time. Its rejection is passed on. */
export async function settlesWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: limit, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, limitMs, false);
  try {
    return await Promise.race([promise.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}
