/** Asks a dependency now and then whether it is there, and says so to the process's health. */

import type { DependencyHandle } from "./health.ts";

const CHECK_EVERY_MS = 2_000;

/** @param check resolves when the dependency answers, and rejects after a bound of its own when it does not. */
export function watchDependency(health: DependencyHandle, check: () => Promise<unknown>): Disposable {
  let isChecking = false;

  async function look(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    try {
      await check();
      health.up();
    } catch (error) {
      health.down(error instanceof Error ? error.message : String(error));
    } finally {
      isChecking = false;
    }
  }

  void look();
  const timer = setInterval(() => void look(), CHECK_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
