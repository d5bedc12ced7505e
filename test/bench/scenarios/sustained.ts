/**
 * How many deliveries per second, accepted to history complete, at a fan-out. A steady state: no more deliveries are on
 * the way than `ON_THE_WAY_MAX`, since the draining of a backlog is another question.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "@posthorn/database";
import { type OrgId, partitionOf } from "@posthorn/domain";
import { waitUntil } from "@posthorn/testkit";
import { createTenant, type Tenant } from "../../tenant.ts";
import { usageOf } from "../process-usage.ts";
import type { BenchContext, ScenarioResult } from "../scenario.ts";

const BATCH_EVENTS = 50;
/** Batches on the way at once: enough to keep ingest busy, few enough to feel its back-pressure. */
const BATCHES_IN_FLIGHT = 8;
const DATA_BYTES = 1_024;
/** A quarter of a second of deliveries: enough to keep every service busy. */
const ON_THE_WAY_MAX = 1_000;
const PROGRESS_POLL_MS = 50;
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
  await publishAll(context, tenant, { events, fanOut: options.fanOut });
  await historyComplete(context, tenant.orgId, events * options.fanOut);
  const tookMs = performance.now() - startedMs;
  const after = usageOf(pids);
  const deliveries = events * options.fanOut;
  return {
    name: `sustained, fan-out ${options.fanOut}`,
    figures: {
      deliveries,
      "deliveries/s": (deliveries * 1_000) / tookMs,
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

type Load = { readonly events: number; readonly fanOut: number };

async function publishAll(context: BenchContext, tenant: Tenant, { events, fanOut }: Load): Promise<void> {
  const data = "x".repeat(DATA_BYTES - 2);
  const attemptedBefore = await attemptsMade(context);
  let attempted = 0;
  let left = events;
  let published = 0;
  const worker = async () => {
    while (left > 0) {
      if (published * fanOut - attempted > ON_THE_WAY_MAX) {
        await sleep(PROGRESS_POLL_MS / 10);
        continue;
      }
      const size = Math.min(BATCH_EVENTS, left);
      left -= size;
      published += size;
      const batch = { events: Array.from({ length: size }, () => ({ type: "bench.event", data })) };
      const answer = await tenant.ingest("POST", `/v1/orgs/${tenant.orgId}/events/batch`, batch);
      if (answer.status !== 202) throw new Error(`ingest answered ${answer.status}`);
    }
  };
  const following = setInterval(async () => {
    attempted = (await attemptsMade(context)) - attemptedBefore;
  }, PROGRESS_POLL_MS);
  try {
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, worker));
  } finally {
    clearInterval(following);
  }
}

/** By the dispatchers' own count. */
async function attemptsMade({ stack }: BenchContext): Promise<number> {
  const dispatchers = stack.stack.instances.filter(({ service }) => service === "dispatcher");
  const counts = dispatchers.map(async ({ httpPort }) => {
    const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith("posthorn_attempts_total{"));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Asks for what is open first, by an index of its own: counting all rows again and again would be load, too. */
async function historyComplete(context: BenchContext, orgId: string, deliveries: number): Promise<void> {
  await using database = openDatabase(context.stack.stack.databaseUrl, { poolMax: 1, applicationName: "bench" });
  const partition = partitionOf(orgId as OrgId); // as the api answered it
  const isOpen = async () => {
    const { rows } = await database.pool.query(
      "select exists (select from deliveries where partition = $1 and completed_at is null) as open",
      [partition],
    );
    return rows[0].open;
  };
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
      if (await isOpen()) return false;
      done = await count();
      return done >= deliveries;
    },
    {
      timeoutMs: COMPLETE_TIMEOUT_MS,
      everyMs: 100,
      describe: () => `history of ${deliveries} deliveries to be complete; ${done} are`,
    },
  );
}
