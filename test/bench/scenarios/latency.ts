/** From acceptance to the receiver, at a steady rate of single events. */

import { startReceiver } from "@posthorn/testkit";
import { createTenant } from "../../tenant.ts";
import type { BenchContext, ScenarioResult } from "../scenario.ts";

const DATA_BYTES = 1_024;
/** The first events pay for connections and caches. */
const WARM_UP_EVENTS = 100;
const ARRIVAL_TIMEOUT_MS = 30_000;

export type LatencyOptions = { readonly eventsPerSecond: number; readonly seconds: number };

export async function latency(context: BenchContext, options: LatencyOptions): Promise<ScenarioResult> {
  const tenant = await createTenant(context.stack, "latency");
  await using receiver = await startReceiver();
  await tenant.subscribe({ url: receiver.url, events: ["bench.*"] });
  const events = options.eventsPerSecond * options.seconds + WARM_UP_EVENTS;
  const data = "x".repeat(DATA_BYTES - 2);
  const startedMs = performance.now();
  const pending: Promise<string>[] = [];
  for (let sent = 0; sent < events; sent += 1) {
    const dueMs = startedMs + (sent * 1_000) / options.eventsPerSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    pending.push(tenant.publish({ type: "bench.event", data }));
  }
  await Promise.all(pending);
  await receiver.waitFor(events, ARRIVAL_TIMEOUT_MS);
  const latencies = receiver.requests
    .slice(WARM_UP_EVENTS)
    .map((request) => request.arrivedAtMs - Date.parse(JSON.parse(request.body.toString()).timestamp))
    .sort((a, b) => a - b);
  const quantile = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? 0;
  return {
    name: `accept to receiver at ${options.eventsPerSecond} events/s`,
    figures: { "p50 ms": quantile(0.5), "p95 ms": quantile(0.95), "p99 ms": quantile(0.99), events: latencies.length },
  };
}
