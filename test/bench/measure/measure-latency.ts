/** How long events take at an even rate: to the receiver, and until the api shows what became of them. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort, LOOPBACK, startLeash, startOwnedChild } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";
import { request } from "undici";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../../tenant.ts";
import { openPublisher } from "../load/http-publisher.ts";
import { publishPaced } from "../load/paced.ts";
import { type Metered, startMeter } from "./meter.ts";
import { openVisibility } from "./visibility.ts";

/** Milliseconds of each delivery, in the order of arrival. */
export type ArrivalTimes = { readonly sinceAcceptedMs: readonly number[]; readonly sinceSentMs: readonly number[] };

export type Latencies = ArrivalTimes & {
  readonly untilShownMs: readonly number[];
  readonly metered: Metered;
};

export type LatencyLoad = {
  readonly perSecond: number;
  readonly forMs: number;
  /** For the receiver's log. */
  readonly folder: string;
};

const RECEIVER = fileURLToPath(new URL("timing-receiver.ts", import.meta.url));
/** A request that is not answered within 5 ms must not hold up the next one. */
const CONNECTIONS = 64;
/** A delivery that is asked for costs the api and Postgres as much as dozens of others. */
const SAMPLES_PER_SECOND = 2;
/**
 * Pays for connections, caches and the compilers of all processes: an engine that was just started takes some seconds to
 * come to its pace, and longer still to work off what it fell behind meanwhile.
 */
const WARM_UP_MS = 10_000;
const ARRIVAL_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 2_000;

export async function measureLatency(stack: TestStack, name: string, load: LatencyLoad): Promise<Latencies> {
  const tenant = await createTenant(stack, name);
  await using receiver = await startTimingReceiver(load.folder);
  const { id: webhookId } = await tenant.subscribe({ url: receiver.url, events: ["bench.*"] });
  const warmUp = await publishAndWatch(stack, tenant, webhookId, { ...load, forMs: Math.min(WARM_UP_MS, load.forMs) });
  await receiver.arrived(warmUp.events);

  const stop = startMeter({ ...stack.stack.pids(), receiver: receiver.pid });
  const { events, untilShownMs } = await publishAndWatch(stack, tenant, webhookId, load);
  const { sinceAcceptedMs, sinceSentMs } = await receiver.arrived(warmUp.events + events);
  return {
    sinceAcceptedMs: sinceAcceptedMs.slice(warmUp.events),
    sinceSentMs: sinceSentMs.slice(warmUp.events),
    untilShownMs,
    metered: stop(),
  };
}

type Published = { readonly events: number; readonly untilShownMs: readonly number[] };

async function publishAndWatch(
  stack: TestStack,
  tenant: Tenant,
  webhookId: string,
  { perSecond, forMs }: LatencyLoad,
): Promise<Published> {
  await using publisher = openPublisher(stack, tenant, CONNECTIONS);
  await using visibility = openVisibility(stack, tenant, webhookId);
  const onSample = visibility.watch;
  const events = await publishPaced({ publisher, perSecond, forMs, samplesPerSecond: SAMPLES_PER_SECOND, onSample });
  return { events, untilShownMs: await visibility.finish() };
}

type TimingReceiver = AsyncDisposable & {
  readonly url: string;
  readonly pid: number;
  /** Returns when so many have arrived. */
  arrived(count: number): Promise<ArrivalTimes>;
};

async function startTimingReceiver(folder: string): Promise<TimingReceiver> {
  const port = await findFreePort();
  const url = `http://${LOOPBACK}:${port}`;
  const leash = startLeash();
  const child = await startOwnedChild(
    { command: process.execPath, args: [RECEIVER, String(port)], env: {} },
    { leash, logFile: join(folder, "timing-receiver.log"), endSignal: "SIGTERM", stdin: "ignore" },
  );
  const times = async () => {
    const { body } = await request(url);
    return (await body.json()) as ArrivalTimes; // what timing-receiver.ts answers
  };
  await waitUntil(times, { timeoutMs: ARRIVAL_TIMEOUT_MS, describe: "the timing receiver to answer" });
  return {
    url,
    pid: child.pid,
    arrived: (count) => {
      let arrived = 0;
      return waitUntil(
        async () => {
          const seen = await times();
          arrived = seen.sinceSentMs.length;
          return arrived >= count ? seen : undefined;
        },
        { timeoutMs: ARRIVAL_TIMEOUT_MS, everyMs: 200, describe: () => `${count} events to arrive; ${arrived} did` },
      );
    },
    [Symbol.asyncDispose]: async () => {
      await child.stop(STOP_GRACE_MS);
      leash[Symbol.dispose]();
    },
  };
}
