/** How many deliveries per second, accepted to history complete, at a fan-out. */

import { openDatabase } from "@posthorn/database";
import { waitUntil } from "@posthorn/testkit";
import { createTenant, type Tenant } from "../../tenant.ts";
import { usageOf } from "../process-usage.ts";
import type { BenchContext, ScenarioResult } from "../scenario.ts";

const BATCH_EVENTS = 100;
/** Batches on the way at once: enough to keep ingest busy, few enough to feel its back-pressure. */
const BATCHES_IN_FLIGHT = 8;
const DATA_BYTES = 1_024;
const COMPLETE_TIMEOUT_MS = 600_000;

export type SustainedOptions = { readonly fanOut: number; readonly deliveries: number };

export async function sustained(context: BenchContext, options: SustainedOptions): Promise<ScenarioResult> {
  const { stack, receiver } = context;
  const tenant = await createTenant(stack, `sustained-${options.fanOut}`);
  for (let index = 0; index < options.fanOut; index += 1) {
    await tenant.subscribe({ url: receiver.url, events: ["bench.*"] });
  }
  const events = Math.ceil(options.deliveries / options.fanOut);
  const pids = { ...stack.stack.pids(), receiver: receiver.pid };
  const before = usageOf(pids);
  const startedMs = performance.now();
  await publishAll(tenant, events);
  const acceptedMs = performance.now() - startedMs;
  await historyComplete(context, tenant.orgId, events * options.fanOut);
  const tookMs = performance.now() - startedMs;
  const after = usageOf(pids);
  const deliveries = events * options.fanOut;
  return {
    name: `sustained, fan-out ${options.fanOut}`,
    figures: {
      deliveries,
      "deliveries/s": (deliveries * 1_000) / tookMs,
      "accepted events/s": (events * 1_000) / acceptedMs,
    },
    rate: (deliveries * 1_000) / tookMs,
    cpuMicrosPerDelivery: Object.fromEntries(
      Object.entries(after).map(([name, usage]) => [
        name,
        ((usage.cpuMs - (before[name]?.cpuMs ?? 0)) * 1_000) / deliveries,
      ]),
    ),
    memoryMb: Object.fromEntries(Object.entries(after).map(([name, usage]) => [name, usage.memoryMb])),
  };
}

async function publishAll(tenant: Tenant, events: number): Promise<void> {
  const data = "x".repeat(DATA_BYTES - 2);
  let left = events;
  const worker = async () => {
    while (left > 0) {
      const size = Math.min(BATCH_EVENTS, left);
      left -= size;
      const batch = { events: Array.from({ length: size }, () => ({ type: "bench.event", data })) };
      const answer = await tenant.ingest("POST", `/v1/orgs/${tenant.orgId}/events/batch`, batch);
      if (answer.status === 503) left += size;
      else if (answer.status !== 202) throw new Error(`ingest answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, worker));
}

async function historyComplete(context: BenchContext, orgId: string, deliveries: number): Promise<void> {
  await using database = openDatabase(context.stack.stack.databaseUrl, { poolMax: 1, applicationName: "bench" });
  const count = async () => {
    const { rows } = await database.pool.query(
      "select count(*) as n from deliveries where org_id = $1 and status = 'delivered'",
      [orgId],
    );
    return Number(rows[0].n);
  };
  let done = 0;
  await waitUntil(
    async () => {
      done = await count();
      return done >= deliveries;
    },
    {
      timeoutMs: COMPLETE_TIMEOUT_MS,
      everyMs: 250,
      describe: () => `history of ${deliveries} deliveries to be complete; ${done} are`,
    },
  );
}
