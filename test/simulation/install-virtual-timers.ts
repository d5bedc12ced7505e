/**
 * Puts virtual time in the place of this process's clocks and timers, so that the services run as they are. Every timer
 * belongs to whoever runs when it is set. For a process that does nothing but simulate.
 */

import { syncBuiltinESMExports } from "node:module";
import type { Cancellable, VirtualTime } from "./virtual-time.ts";

type Callback = (...args: unknown[]) => void;
type SleepOptions = { readonly signal?: AbortSignal };

/** @param time of the run that is under way. */
export function installVirtualTimers(time: () => VirtualTime): void {
  const once = (act: () => void, ms = 0) => handleOf(time().after(ms, time().current, act));
  const globals = {
    setTimeout: (act: Callback, ms?: number, ...args: unknown[]) => once(() => act(...args), ms),
    setImmediate: (act: Callback, ...args: unknown[]) => handleOf(time().soon(time().current, () => act(...args))),
    setInterval: (act: Callback, ms = 1) => {
      const interval = time().every(ms, time().current, act);
      return handleOf({ stop: () => time().stop(interval) });
    },
    clearTimeout: (handle: Handle | undefined) => handle?.clear(),
    clearInterval: (handle: Handle | undefined) => handle?.clear(),
    clearImmediate: (handle: Handle | undefined) => handle?.clear(),
  };
  Object.assign(globalThis, globals);
  Object.defineProperty(performance, "now", { value: () => time().nowMs });
  Object.assign(Date, { now: () => Math.floor(time().nowMs) });
  Object.assign(AbortSignal, { timeout: (ms: number) => abortedAfter(ms) });
  Object.assign(process.getBuiltinModule("node:timers/promises"), {
    setTimeout: (ms?: number, value?: unknown, options?: SleepOptions) => sleep(ms ?? 0, value, options?.signal),
    setImmediate: (value?: unknown) => sleep(0, value, undefined),
  });
  syncBuiltinESMExports();

  function sleep(ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        happening.isCancelled = true;
        reject(signal?.reason);
      };
      const happening = time().after(ms, time().current, () => {
        signal?.removeEventListener("abort", stop);
        resolve(value);
      });
      if (signal?.aborted === true) stop();
      else signal?.addEventListener("abort", stop, { once: true });
    });
  }

  function abortedAfter(ms: number): AbortSignal {
    const controller = new AbortController();
    time().after(ms, time().current, () => controller.abort(new Error("the time is over")));
    return controller.signal;
  }
}

type Handle = { clear(): void; ref(): Handle; unref(): Handle; hasRef(): boolean };

function handleOf(what: Cancellable | { stop(): void }): Handle {
  const handle: Handle = {
    clear: () => {
      if ("stop" in what) what.stop();
      else what.isCancelled = true;
    },
    ref: () => handle,
    unref: () => handle,
    hasRef: () => true,
  };
  return handle;
}
