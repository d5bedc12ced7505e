/** Deliveries per second, accepted to history complete, under a closed loop of batches. Several scenarios ask for it. */

import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";
import type { FastReceiver } from "../fast-receiver.ts";
import { BATCHES_IN_FLIGHT, runClosedLoop } from "../load/closed-loop.ts";
import { openPublisher } from "../load/http-publisher.ts";
import { openHistory } from "./history.ts";
import { type Metered, startMeter } from "./meter.ts";

/** Before anything is measured: connections, caches and the compiler of each process. */
const WARM_UP_MS = 1_500;

export type Sustained = {
  readonly deliveries: number;
  readonly perSecond: number;
  readonly metered: Metered;
};

export type SustainedOptions = {
  readonly receiver: FastReceiver;
  /** Webhooks that the tenant's events match. */
  readonly fanOut: number;
  /** The load goes on for so long; the history is complete a little later, and that time counts too. */
  readonly forMs: number;
};

export async function measureSustained(
  stack: TestStack,
  tenant: Tenant,
  { receiver, fanOut, forMs }: SustainedOptions,
): Promise<Sustained> {
  await using publisher = openPublisher(stack, tenant, BATCHES_IN_FLIGHT);
  await using history = openHistory(stack, tenant);
  const run = (durationMs: number) => {
    const endMs = performance.now() + durationMs;
    return runClosedLoop({ publisher, receiver, fanOut, goesOn: () => performance.now() < endMs });
  };
  const warmUp = (await run(Math.min(WARM_UP_MS, forMs))) * fanOut;
  await history.complete(warmUp);

  const stop = startMeter({ ...stack.stack.pids(), receiver: receiver.pid });
  const deliveries = (await run(forMs)) * fanOut;
  await history.complete(warmUp + deliveries);
  const metered = stop();
  return { deliveries, perSecond: (deliveries * 1_000) / metered.tookMs, metered };
}
