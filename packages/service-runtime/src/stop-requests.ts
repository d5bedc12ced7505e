/** Everything that can ask a process to stop: a signal, the end of its leash, a bug that nobody caught. */
import type { RuntimeSettings } from "./runtime-settings.ts";

export type StopRequest =
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "leash" }
  | { readonly kind: "crash"; readonly error: unknown };

/**
 * One Ctrl-C reaches a process twice, from the terminal and through its supervisor; only a signal that comes later than
 * this after the first is somebody's second thought.
 */
const SAME_SIGNAL_MS = 1_000;
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Calls `onStop` for every request to stop, and `onImpatience` for a second signal. Disposing lets go of the process. */
export function watchStopRequests(
  leash: RuntimeSettings["leash"],
  onStop: (request: StopRequest) => void,
  onImpatience: () => void,
): Disposable {
  let signalledAtMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    signalledAtMs ??= nowMs;
    if (nowMs - signalledAtMs > SAME_SIGNAL_MS) onImpatience();
    onStop({ kind: "signal", signal });
  };
  // Also what an unhandled rejection ends up as, since nobody listens for those by themselves.
  const onCrash = (error: unknown): void => onStop({ kind: "crash", error });
  const onLeashEnd = (): void => onStop({ kind: "leash" });

  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  process.on("uncaughtException", onCrash);
  if (leash === "stdin") process.stdin.on("end", onLeashEnd).on("error", onLeashEnd).resume();

  return {
    [Symbol.dispose]: () => {
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
      process.off("uncaughtException", onCrash);
      // An open standard input would keep the process alive.
      if (leash === "stdin") process.stdin.off("end", onLeashEnd).off("error", onLeashEnd).destroy();
    },
  };
}
