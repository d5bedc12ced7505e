/** From acceptance to the receiver and to the history, at an even rate of events. */

import { createTenant } from "../../tenant.ts";
import { measureLatency } from "../measure/measure-latency.ts";
import { measureSustained } from "../measure/measure-sustained.ts";
import { costsPer } from "../measure/meter.ts";
import { quantile } from "../report/quantile.ts";
import { type Aim, type BenchContext, figureOf, type Scenario, type Size } from "../scenario.ts";
import { DELIVERIES_PER_SECOND } from "./sustained.ts";

const SECONDS: Readonly<Record<Size, number>> = { full: 60, quick: 12, smoke: 1 };
const LOW_PER_SECOND = 200;
/** How long the maximum is measured when no scenario of this run has done so. */
const MAXIMUM_SECONDS: Readonly<Record<Size, number>> = { full: 15, quick: 6, smoke: 1 };
const SHOWN_P99_MS_MAX = 500;

type Aims = { readonly p50?: Aim; readonly p99: Aim };

export const latencyAtLowRate: Scenario = {
  name: "latency-200",
  describe: `accept to receiver and to history, at ${LOW_PER_SECOND} events/s`,
  isDefault: true,
  run: (context) => measure(context, "latency-200", async () => LOW_PER_SECOND, { p50: atMost(8), p99: atMost(30) }),
};

export const latencyAtHalf: Scenario = {
  name: "latency-half",
  describe: "the same at half of the maximum rate of this run",
  isDefault: true,
  run: (context) =>
    measure(context, "latency-half", async () => (await maximumRate(context)) / 2, { p99: atMost(100) }),
};

function atMost(value: number): Aim {
  return { kind: "at-most", value };
}

async function measure(context: BenchContext, name: string, rate: () => Promise<number>, aims: Aims) {
  const perSecond = await rate();
  return context.withStack({}, async (stack) => {
    const forMs = SECONDS[context.size] * 1_000;
    const latencies = await measureLatency(stack, name, { perSecond, forMs, folder: context.folder });
    const { sinceAcceptedMs, sinceSentMs, untilShownMs, metered } = latencies;
    const p50 = { name: "accept to receiver p50", value: quantile(sinceAcceptedMs, 0.5), unit: "ms" } as const;
    return {
      name,
      figures: [
        { name: "events published", value: perSecond, unit: "/s" },
        aims.p50 === undefined ? p50 : { ...p50, aim: aims.p50 },
        { name: "accept to receiver p95", value: quantile(sinceAcceptedMs, 0.95), unit: "ms" },
        { name: "accept to receiver p99", value: quantile(sinceAcceptedMs, 0.99), unit: "ms", aim: aims.p99 },
        { name: "due to receiver p99", value: quantile(sinceSentMs, 0.99), unit: "ms" },
        { name: "shown by the api p50", value: quantile(untilShownMs, 0.5), unit: "ms" },
        {
          name: "shown by the api p99",
          value: quantile(untilShownMs, 0.99),
          unit: "ms",
          aim: atMost(SHOWN_P99_MS_MAX),
        },
      ],
      costs: costsPer("delivery", sinceSentMs.length, metered),
    } as const;
  });
}

/** Deliveries per second at fan-out 1, as this run has measured it already, or measured now. */
async function maximumRate(context: BenchContext): Promise<number> {
  const measured = figureOf(context.resultOf("sustained-1"), DELIVERIES_PER_SECOND);
  if (measured !== undefined) return measured;
  return context.withStack({}, async (stack) => {
    const tenant = await createTenant(stack, "maximum");
    await tenant.subscribe({ url: context.receiver.url, events: ["bench.*"] });
    const forMs = MAXIMUM_SECONDS[context.size] * 1_000;
    return (await measureSustained(stack, tenant, { receiver: context.receiver, fanOut: 1, forMs })).perSecond;
  });
}
