/** How fast the history answers and grows when it is long. */

import { waitUntil } from "@posthorn/testkit";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant } from "../../tenant.ts";
import { runClosedLoop } from "../load/closed-loop.ts";
import { openPublisher } from "../load/http-publisher.ts";
import { openHistory } from "../measure/history.ts";
import { costsPer, type Metered, startMeter } from "../measure/meter.ts";
import { RARE_TYPE, seedHistory } from "../measure/seed-history.ts";
import { quantile } from "../report/quantile.ts";
import type { BenchContext, Figure, Scenario, Size } from "../scenario.ts";

const NAME = "history";
/** Deliveries whose log waits for the projector when it begins. */
const LOGGED: Readonly<Record<Size, number>> = { full: 60_000, quick: 20_000, smoke: 1_000 };
const SAMPLES: Readonly<Record<Size, number>> = { full: 300, quick: 100, smoke: 10 };
const CONNECTIONS = 8;
const ARRIVAL_TIMEOUT_MS = 60_000;
const ANSWER_P99_MS_MAX = 50;
const LOSS_PERCENT_MAX = 15;
/** The seeded deliveries lie in the last three days. */
const MIDDLE_MS = 36 * 3_600_000;

export const history: Scenario = {
  name: NAME,
  describe: "list, filter, get and projector rate with 1,000,000 deliveries (--history-rows)",
  isDefault: false,
  run: (context) =>
    context.withStack({}, async (stack) => {
      const tenant = await createTenant(stack, NAME);
      const { id } = await tenant.subscribe({ url: context.receiver.url, events: ["bench.*"] });
      const short = await projectorRate(context, stack, tenant);
      await seedHistory(stack, tenant, context.amounts.historyRows);
      const answers = await answerTimes(tenant, id, SAMPLES[context.size]);
      const long = await projectorRate(context, stack, tenant);
      return {
        name: NAME,
        figures: [
          { name: "deliveries in the history", value: context.amounts.historyRows, unit: "" },
          ...answers,
          { name: "projector, short history", value: short.perSecond, unit: "/s" },
          { name: "projector, long history", value: long.perSecond, unit: "/s" },
          {
            name: "slower by",
            value: (1 - long.perSecond / short.perSecond) * 100,
            unit: "%",
            aim: { kind: "at-most", value: LOSS_PERCENT_MAX },
          },
        ],
        costs: costsPer("delivery", long.deliveries, long.metered),
      };
    }),
};

type ProjectorRate = { readonly perSecond: number; readonly deliveries: number; readonly metered: Metered };

/** Deliveries per second that the projector takes from a log that was written while it stood still. */
async function projectorRate(context: BenchContext, testStack: TestStack, tenant: Tenant): Promise<ProjectorRate> {
  const { receiver, size } = context;
  const { stack } = testStack;
  await using publisher = openPublisher(testStack, tenant, CONNECTIONS);
  await using past = openHistory(testStack, tenant);
  stack.kill("projector", "SIGSTOP");
  let deliveries = 0;
  let stop: () => Metered;
  try {
    const arrivedBefore = await receiver.count();
    deliveries = await runClosedLoop({ publisher, receiver, fanOut: 1, goesOn: (events) => events < LOGGED[size] });
    await waitUntil(async () => (await receiver.count()) >= arrivedBefore + deliveries, {
      timeoutMs: ARRIVAL_TIMEOUT_MS,
      describe: `${deliveries} deliveries to arrive`,
    });
    stop = startMeter({ ...stack.pids(), receiver: receiver.pid });
  } finally {
    stack.kill("projector", "SIGCONT");
  }
  await past.complete(deliveries);
  const metered = stop();
  return { perSecond: (deliveries * 1_000) / metered.tookMs, deliveries, metered };
}

/** The slowest kind of list and of filter, and get; each is asked one after the other. */
async function answerTimes(tenant: Tenant, webhookId: string, samples: number): Promise<readonly Figure[]> {
  const org = `/v1/orgs/${tenant.orgId}`;
  const all = `${org}/deliveries?limit=50`;
  const ofWebhook = `${org}/webhooks/${webhookId}/deliveries?limit=50`;
  const until = `&until=${new Date(Date.now() - MIDDLE_MS).toISOString()}`;
  const page = await tenant.api("GET", `${org}/deliveries?limit=500${until}`);
  const ids = expectAnswer<{ items: { id: string }[] }>(page, 200).items.map(({ id }) => id);
  const told = expectAnswer<{ attempts: unknown[] }>(await tenant.api("GET", `${org}/deliveries/${ids[0]}`), 200);
  if (told.attempts.length !== 1) throw new Error(`seeded delivery ${ids[0]} has ${told.attempts.length} attempts`);
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ["list", [all]],
    ["list", [ofWebhook]],
    ["list", [all + until]],
    ["filter", [`${all}&status=exhausted`]],
    ["filter", [`${all}&success=false`]],
    ["filter", [`${all}&event=${RARE_TYPE}`]],
    ["filter", [`${ofWebhook}&event=rare.*&status=delivered${until}`]],
    ["get", ids.map((id) => `${org}/deliveries/${id}`)],
  ];
  const p99s = new Map<string, number>();
  for (const [kind, paths] of kinds) {
    const p99 = quantile(await timesOf(tenant, paths, samples), 0.99);
    p99s.set(kind, Math.max(p99s.get(kind) ?? 0, p99));
  }
  return [...p99s].map(([kind, value]) => ({
    name: `${kind} p99`,
    value,
    unit: "ms",
    aim: { kind: "at-most", value: ANSWER_P99_MS_MAX },
  }));
}

async function timesOf(tenant: Tenant, paths: readonly string[], samples: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const path = paths[sample % paths.length] ?? "";
    const startedMs = performance.now();
    expectAnswer(await tenant.api("GET", path), 200);
    times.push(performance.now() - startedMs);
  }
  return times;
}
