/** Notes when the connection to NATS came back, for the reconciler: see `core/quiet-time.ts`. */

import type { BusConnection } from "@posthorn/message-bus";
import { quietForMs } from "../core/quiet-time.ts";

export type ConnectionWatch = Disposable & {
  /** How long a delivery has to have stood still, now. */
  quietForMs(): number;
};

/** @param monotonicMs a clock that nobody sets. */
export function watchConnection(
  connection: Pick<BusConnection, "onStateChange">,
  usualMs: number,
  monotonicMs: () => number,
): ConnectionWatch {
  let reconnectedAtMs: number | undefined;
  const stop = connection.onStateChange((state) => {
    if (state === "connected") reconnectedAtMs = monotonicMs();
  });
  return { quietForMs: () => quietForMs(usualMs, reconnectedAtMs, monotonicMs()), [Symbol.dispose]: stop };
}
