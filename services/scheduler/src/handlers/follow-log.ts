/** Takes the messages of LOG for the operational events, with a durable that all schedulers share. */

import { setTimeout as sleep } from "node:timers/promises";
import { type BusConnection, WorkSource } from "@posthorn/message-bus";
import { type AnnouncePorts, announceOperations } from "./announce-operations.ts";

/** Log messages of one partition held here. */
const PREFETCH_MAX = 64;
const MESSAGES_AT_ONCE_MAX = 64;
const LEASE_MS = 30_000;
/** At a stop what is in hand may end; it comes again otherwise. */
const STOP_MS_MAX = 2_000;
/** Without the whole configuration nobody can say who has subscribed. */
const CONFIGURATION_WAIT_MS = 500;

export async function followLog(
  connection: BusConnection,
  ports: AnnouncePorts,
  isConfigurationComplete: () => boolean,
): Promise<AsyncDisposable> {
  const source = await WorkSource.open(connection, {
    stream: "LOG",
    worker: "scheduler",
    prefetchMax: PREFETCH_MAX,
    leaseMs: LEASE_MS,
    onTrouble: (reason) => ports.events.trouble("log", reason),
  });
  let isOpen = true;
  const run = async () => {
    while (isOpen) {
      await source.available();
      if (!isOpen) return;
      if (isConfigurationComplete()) {
        await Promise.all(source.take(MESSAGES_AT_ONCE_MAX).map((message) => announceOperations(ports, message)));
      } else {
        await sleep(CONFIGURATION_WAIT_MS);
      }
    }
  };
  const running = run();
  return {
    [Symbol.asyncDispose]: async () => {
      isOpen = false;
      source[Symbol.dispose]();
      await Promise.race([running, sleep(STOP_MS_MAX, undefined, { ref: false })]);
    },
  };
}
