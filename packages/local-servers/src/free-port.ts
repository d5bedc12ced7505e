/**
 * Picks TCP ports on the loopback address. They lie below the range that systems hand out to outgoing connections:
 * a client that keeps reconnecting to a closed port of that range can be given the very same port as its own, connect
 * to itself and keep the restarted server from binding.
 */

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Linux hands out 32768 and above, macOS 49152 and above. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;
const ATTEMPTS_MAX = 100;
/** Tries with other random ports when somebody else took the chosen one in between. */
const START_TRIES_MAX = 5;

export const LOOPBACK = "127.0.0.1";

/** Whether a server could listen on this port of 127.0.0.1 now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host: LOOPBACK, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * A port that is free now and not in `taken`. Nothing reserves it, so whoever binds it must be ready to try another.
 * Throws when 100 random ports were all in use.
 */
export async function findFreePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = randomInt(PORT_MIN, PORT_MAX + 1);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`no free port found between ${PORT_MIN} and ${PORT_MAX} on ${LOOPBACK}`);
}

/** Starts something on the given port, or on a free one, trying others as long as the reason was a port just taken. */
export async function startOnPort<T>(wanted: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  if (wanted !== undefined) return start(wanted);
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    try {
      return await start(port);
    } catch (error) {
      if (attempt === START_TRIES_MAX || (await isPortFree(port))) throw error;
    }
  }
}
