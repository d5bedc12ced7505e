/** How many deliveries per second the engine keeps up with, accepted to history complete, at a fan-out. */

import { createTenant } from "../../tenant.ts";
import { measureSustained } from "../measure/measure-sustained.ts";
import { costsPer } from "../measure/meter.ts";
import type { Scenario, Size } from "../scenario.ts";

/** Share of the bare loop by fan-out: what the machine can do is the bare loop's question, not ours. */
const RATIO_MIN: Readonly<Record<1 | 10, number>> = { 1: 1 / 3, 10: 0.45 };
const SECONDS: Readonly<Record<Size, number>> = { full: 60, quick: 12, smoke: 1 };

export const DELIVERIES_PER_SECOND = "deliveries";

export function sustained(fanOut: 1 | 10): Scenario {
  const name = `sustained-${fanOut}`;
  return {
    name,
    describe: `deliveries/s with history complete, ${fanOut === 1 ? "one webhook" : `${fanOut} webhooks`} per event`,
    isDefault: true,
    run: (context) =>
      context.withStack({}, async (stack) => {
        const tenant = await createTenant(stack, name);
        for (let index = 0; index < fanOut; index += 1) {
          await tenant.subscribe({ url: context.receiver.url, events: ["bench.*"] });
        }
        const { receiver } = context;
        const forMs = SECONDS[context.size] * 1_000;
        const { deliveries, perSecond, metered } = await measureSustained(stack, tenant, { receiver, fanOut, forMs });
        return {
          name,
          figures: [
            {
              name: DELIVERIES_PER_SECOND,
              value: perSecond,
              unit: "/s",
              aim: { kind: "ratio-at-least", value: RATIO_MIN[fanOut] },
            },
            { name: "all of them", value: deliveries, unit: "" },
            { name: "until history complete", value: metered.tookMs / 1_000, unit: "s" },
          ],
          costs: costsPer("delivery", deliveries, metered),
        };
      }),
  };
}
