/** Stops a stack in an order in which everybody can still finish what depends on the others, within a fixed time. */

import type { Member } from "./keep-running.ts";

export interface StopPlan {
  /** Takes requests from outside. */
  readonly front: readonly Member[];
  readonly dataPlane: readonly Member[];
  /** NATS and Postgres, which everybody above uses to the last moment. */
  readonly servers: readonly Member[];
}

/** All of it together stays below the ten seconds that `npm start` promises. */
export const STOP_TIMES_MS = {
  /** The front gets this long alone; after it the data plane is asked too. */
  frontHeadStart: 2_000,
  /** Since the beginning; a service that still runs is killed. */
  servicesKilledAt: 7_500,
  /** Since the beginning; they need a few milliseconds, and what they keep survives a kill. */
  serversKilledAt: 9_000,
} as const;

/** Returns when every process has ended. */
export async function stopMembers(plan: StopPlan): Promise<void> {
  const startedAtMs = performance.now();
  const remainingMs = (untilMs: number): number => Math.max(0, startedAtMs + untilMs - performance.now());
  const stopAll = (members: readonly Member[], killedAtMs: number): Promise<unknown> =>
    Promise.all(members.map((member) => member.stop(remainingMs(killedAtMs))));

  const { frontHeadStart, servicesKilledAt, serversKilledAt } = STOP_TIMES_MS;
  const frontStopped = stopAll(plan.front, servicesKilledAt);
  await Promise.race([frontStopped, delay(frontHeadStart)]);
  await Promise.all([frontStopped, stopAll(plan.dataPlane, servicesKilledAt)]);
  await stopAll(plan.servers, serversKilledAt);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
