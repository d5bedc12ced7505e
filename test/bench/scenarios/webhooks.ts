/** Whether very many webhooks of the same organisation, none of them for these events, slow its deliveries down. */

import { copyWebhooks } from "../../copied-webhooks.ts";
import { createTenant } from "../../tenant.ts";
import { measureSustained, type Sustained } from "../measure/measure-sustained.ts";
import { costsPer } from "../measure/meter.ts";
import type { BenchContext, Scenario, Size } from "../scenario.ts";

const SECONDS: Readonly<Record<Size, number>> = { full: 30, quick: 8, smoke: 1 };
const LOSS_PERCENT_MAX = 10;
const MATCHER_MB_MAX = 250;

export const webhooks: Scenario = {
  name: "webhooks",
  describe: "deliveries/s with one webhook, and with 100,000 more that do not match (--webhooks)",
  isDefault: false,
  run: (context) =>
    context.withStack({}, async (stack) => {
      const tenant = await createTenant(stack, "webhooks");
      const { id } = await tenant.subscribe({ url: context.receiver.url, events: ["bench.*"] });
      const load = { receiver: context.receiver, fanOut: 1, forMs: SECONDS[context.size] * 1_000 };
      const alone = await measureSustained(stack, tenant, load);
      await copyWebhooks(stack, id, context.amounts.webhooks);
      const among = await measureSustained(stack, tenant, load);
      return resultOf(context, alone, among);
    }),
};

function resultOf({ amounts }: BenchContext, alone: Sustained, among: Sustained) {
  return {
    name: "webhooks",
    figures: [
      { name: "deliveries with one webhook", value: alone.perSecond, unit: "/s" },
      { name: `among ${amounts.webhooks.toLocaleString("en")} more`, value: among.perSecond, unit: "/s" },
      {
        name: "slower by",
        value: (1 - among.perSecond / alone.perSecond) * 100,
        unit: "%",
        aim: { kind: "at-most", value: LOSS_PERCENT_MAX },
      },
      {
        name: "memory of the matcher",
        value: among.metered.memoryMb.matcher ?? Number.NaN,
        unit: "MB",
        aim: { kind: "at-most", value: MATCHER_MB_MAX },
      },
    ],
    costs: costsPer("delivery", among.deliveries, among.metered),
  } as const;
}
