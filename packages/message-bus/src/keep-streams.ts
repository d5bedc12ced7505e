/**
 * Makes streams anew that are gone: somebody deleted one, or the server lost its disk. What they held is lost, and said
 * to be; but everything goes on, because readers and workers begin with whatever stream they find.
 */

import type { BusConnection } from "./connection.ts";
import { makeMissingStreams, type StreamSettings } from "./streams.ts";

export type KeepStreamsOptions = {
  readonly settings: StreamSettings;
  /** Told of every stream that was gone, and of looks that failed. */
  readonly onTrouble: (reason: string) => void;
};

/** How long a stream that is gone stays so; a reconnect is followed by a look at once. */
const LOOK_EVERY_MS = 5_000;

export function keepStreams(connection: BusConnection, { settings, onTrouble }: KeepStreamsOptions): Disposable {
  let isLooking = false;

  async function look(): Promise<void> {
    if (isLooking || !connection.isConnected) return;
    isLooking = true;
    try {
      for (const name of await makeMissingStreams(connection, settings)) {
        onTrouble(`ALARM: the stream ${name} was gone, with all that it held; it was made anew`);
      }
    } catch (error) {
      if (connection.isConnected) onTrouble(error instanceof Error ? error.message : String(error));
    } finally {
      isLooking = false;
    }
  }

  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  const stopListening = connection.onStateChange((state) => {
    if (state === "connected") void look();
  });
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      stopListening();
    },
  };
}
