/** The two lanes of a dispatcher and the gates that they share: their limits, and what an operator sees of them. */

import { type BusConnection, type StreamName, WorkSource } from "@posthorn/message-bus";
import type { Metrics } from "@posthorn/service-runtime";
import type { DispatcherEvents } from "./events.ts";
import type { DispatchItem } from "./handlers/dispatch-item.ts";
import { Lane, type LaneLimits } from "./handlers/run-lane.ts";
import type { WebhookGates } from "./handlers/webhook-gates.ts";

/** First attempts. */
const FIRST: LaneLimits = {
  slotsMax: 512,
  slotsMin: 512,
  inHandMax: 3_072,
  waitingMax: 8_192,
  bytesMax: 64 * 1024 * 1024,
};
/** What the scheduler releases. It gives way to first attempts: with 128 slots a wave of retries doubles their p99. */
const RELEASED: LaneLimits = {
  slotsMax: 128,
  slotsMin: 32,
  inHandMax: 768,
  waitingMax: 2_048,
  bytesMax: 16 * 1024 * 1024,
};
/** Messages waiting here per partition and lane of it, on top of what a lane holds; each has up to 64 items. */
const PREFETCH_MAX = 32;
/**
 * Without a sign of life for this long an item goes to another dispatcher: what a killed one had in hand waits for it.
 * Shorter than many attempts, which is why it is extended meanwhile: a process that stands still for half of it loses
 * nothing, and one that does for longer gives away only what is in flight.
 */
const LEASE_MS = 18_000;
const LEASE_RENEW_MS = 9_000;

export type LanePorts = {
  readonly gates: WebhookGates;
  readonly dispatch: DispatchItem;
  readonly events: DispatcherEvents;
};

export async function openLanes(
  connection: BusConnection,
  metrics: Metrics,
  ports: LanePorts,
): Promise<readonly [first: Lane, released: Lane]> {
  await using stack = new AsyncDisposableStack();
  const first = stack.use(await openLane(connection, "DELIVER", FIRST, ports));
  const released = stack.use(await openLane(connection, "RETRY", RELEASED, ports));
  stack.move();
  showLanes(metrics, { first, released }, ports.gates);
  return [first, released];
}

async function openLane(
  connection: BusConnection,
  stream: StreamName,
  limits: LaneLimits,
  ports: LanePorts,
): Promise<Lane> {
  const source = await WorkSource.open(connection, {
    stream,
    worker: "dispatcher",
    prefetchMax: PREFETCH_MAX,
    leaseMs: LEASE_MS,
    onTrouble: (reason) => ports.events.trouble("stream", reason),
    onRelieved: ports.events.consumerRelieved,
  });
  return new Lane({ source, limits, leaseRenewMs: LEASE_RENEW_MS, ...ports });
}

function showLanes(metrics: Metrics, lanes: Readonly<Record<string, Lane>>, gates: WebhookGates): void {
  const byLane = (name: string, help: string, read: (lane: Lane) => number) =>
    metrics.gauge(name, help, {
      labelNames: ["lane"],
      collect: (gauge) => {
        for (const [lane, figures] of Object.entries(lanes)) gauge.set({ lane }, read(figures));
      },
    });
  byLane("in_hand", "Work items in hand", (lane) => lane.inHand);
  byLane("waiting", "Work items that wait without a slot", (lane) => lane.waiting);
  metrics.gauge("circuits_open", "Webhooks whose circuit is open here", {
    collect: (gauge) => gauge.set(gates.circuitsOpen),
  });
  metrics.gauge("slow_pool_in_use", "Requests under way to slow webhooks", {
    collect: (gauge) => gauge.set(gates.slowInFlight),
  });
}
