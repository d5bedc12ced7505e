/**
 * Takes the messages of LOG for the operational events, with durables that all schedulers share, while anybody
 * subscribes to such events. When nobody does, LOG is not read, and the durables go: they would only grow old.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BusConnection, forgetWorker, WorkSource } from "@posthorn/message-bus";
import { type AnnouncePorts, announceOperations } from "./announce-operations.ts";

/** Log messages of one partition held here. */
const PREFETCH_MAX = 64;
const MESSAGES_AT_ONCE_MAX = 64;
const LEASE_MS = 30_000;
/** At a stop what is in hand may end; it comes again otherwise. */
const STOP_MS_MAX = 2_000;
/** The first subscriber waits this long at most for LOG to be read, or for the configuration to be complete. */
const LOOK_EVERY_MS = 500;
/** Before the first subscription is seen here it was made: LOG is read from so long before, which covers a restart. */
const LEAD_MS = 10_000;
/** Longer than any scheduler that is connected is behind in the configuration: it may know of a subscriber by now. */
const FORGET_AFTER_MS = 60_000;

type Follower = {
  readonly connection: BusConnection;
  readonly ports: AnnouncePorts;
  readonly isConfigurationComplete: () => boolean;
  readonly forgetAfterMs: number;
  readonly stopping: AbortSignal;
};

export function followLog(
  connection: BusConnection,
  ports: AnnouncePorts,
  isConfigurationComplete: () => boolean,
  forgetAfterMs: number = FORGET_AFTER_MS,
): AsyncDisposable {
  const stop = new AbortController();
  const running = run({ connection, ports, isConfigurationComplete, forgetAfterMs, stopping: stop.signal });
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.race([running, sleep(STOP_MS_MAX, undefined, { ref: false })]);
    },
  };
}

async function run(follower: Follower): Promise<void> {
  const { connection, ports, isConfigurationComplete, forgetAfterMs, stopping } = follower;
  let forgetAtMs = performance.now() + forgetAfterMs;
  while (!stopping.aborted) {
    try {
      if (isConfigurationComplete() && ports.webhooks.hasOperationalSubscribers) {
        await follow(follower);
        forgetAtMs = performance.now() + forgetAfterMs;
      } else if (isConfigurationComplete() && connection.isConnected && performance.now() >= forgetAtMs) {
        await forgetWorker(connection, "scheduler", "LOG");
        forgetAtMs = Number.POSITIVE_INFINITY;
      }
    } catch (error) {
      ports.events.trouble("log", error);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/** Until nobody subscribes any more. What is not taken by then is handed back, for whoever follows next. */
async function follow({ connection, ports, isConfigurationComplete, stopping }: Follower): Promise<void> {
  const { webhooks, events } = ports;
  const source = await WorkSource.open(connection, {
    stream: "LOG",
    worker: "scheduler",
    prefetchMax: PREFETCH_MAX,
    leaseMs: LEASE_MS,
    firstFrom: { kind: "time", atMs: ports.nowMs() - LEAD_MS },
    onTrouble: (reason) => events.trouble("log", reason),
    onRelieved: events.consumerRelieved,
  });
  const close = () => source[Symbol.dispose]();
  stopping.addEventListener("abort", close);
  try {
    while (!stopping.aborted) {
      await source.available();
      if (stopping.aborted) break;
      if (!isConfigurationComplete()) await sleep(LOOK_EVERY_MS);
      else if (webhooks.hasOperationalSubscribers) {
        await Promise.all(source.take(MESSAGES_AT_ONCE_MAX).map((message) => announceOperations(ports, message)));
      } else break;
    }
  } finally {
    stopping.removeEventListener("abort", close);
    close();
    for (const message of source.take(Number.POSITIVE_INFINITY)) message.giveBack(0);
  }
}
