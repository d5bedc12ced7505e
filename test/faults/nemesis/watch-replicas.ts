/** Tells when every server of a NATS cluster holds all that its streams hold: only then may the next one fail. */

import { setTimeout as sleep } from "node:timers/promises";
import { BusConnection, CONFIG_STREAM, STREAMS } from "@posthorn/message-bus";

export type ReplicasWatch = AsyncDisposable & {
  /** Returns when it is so, when `stopping` is aborted, and after a minute in any case. */
  untilCurrent(stopping: AbortSignal): Promise<void>;
};

const CURRENT_MS_MAX = 60_000;
const POLL_MS = 250;
/** Servers of a cluster beside the leader of a stream. */
const FOLLOWERS = 2;

export async function watchReplicas(natsUrl: string): Promise<ReplicasWatch> {
  const bus = await BusConnection.open({ servers: natsUrl, name: "faults" });

  async function isCurrent(stream: string): Promise<boolean> {
    const { cluster } = await bus.manager.streams.info(stream);
    const followers = cluster?.replicas ?? [];
    return followers.length === FOLLOWERS && followers.every(({ current, offline }) => current && offline !== true);
  }

  return {
    untilCurrent: async (stopping) => {
      const deadlineMs = performance.now() + CURRENT_MS_MAX;
      while (!stopping.aborted && performance.now() < deadlineMs) {
        // A stream without a leader does not answer.
        const answers = await Promise.all(
          [...STREAMS, CONFIG_STREAM].map((stream) => isCurrent(stream).catch(() => false)),
        );
        if (answers.every(Boolean)) return;
        await sleep(POLL_MS, undefined, { signal: stopping }).catch(() => {});
      }
    },
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}
