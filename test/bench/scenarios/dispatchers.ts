/** Whether several dispatchers share the work of one organisation evenly. */

import type { TestStack } from "../../../deploy/local/test-stack.ts";
import { createTenant } from "../../tenant.ts";
import { measureSustained } from "../measure/measure-sustained.ts";
import { costsPer } from "../measure/meter.ts";
import type { Scenario, Size } from "../scenario.ts";

const SECONDS: Readonly<Record<Size, number>> = { full: 30, quick: 8, smoke: 1.5 };
/** Of what each would do if all did the same. */
const SMALLEST_SHARE_MIN = 80;

export const dispatchers: Scenario = {
  name: "dispatchers",
  describe: "deliveries/s by two dispatchers, and what each of them did (--dispatchers)",
  isDefault: false,
  run: (context) => {
    const count = context.amounts.dispatchers;
    return context.withStack({ counts: { dispatcher: count } }, async (stack) => {
      const tenant = await createTenant(stack, "dispatchers");
      await tenant.subscribe({ url: context.receiver.url, events: ["bench.*"] });
      const before = await attemptsBy(stack);
      const forMs = SECONDS[context.size] * 1_000;
      const sustained = await measureSustained(stack, tenant, { receiver: context.receiver, fanOut: 1, forMs });
      const after = await attemptsBy(stack);
      const made = after.map(({ name, attempts }, index) => ({
        name,
        attempts: attempts - (before[index]?.attempts ?? 0),
      }));
      const even = made.reduce((sum, { attempts }) => sum + attempts, 0) / made.length;
      const smallest = Math.min(...made.map(({ attempts }) => attempts));
      return {
        name: "dispatchers",
        figures: [
          { name: `deliveries by ${count} dispatchers`, value: sustained.perSecond, unit: "/s" },
          ...made.map(({ name, attempts }) => ({ name: `attempts of ${name}`, value: attempts, unit: "" }) as const),
          {
            name: "the idlest did, of an even share",
            value: (smallest / even) * 100,
            unit: "%",
            aim: { kind: "at-least", value: SMALLEST_SHARE_MIN },
          },
        ],
        costs: costsPer("delivery", sustained.deliveries, sustained.metered),
      } as const;
    });
  },
};

type AttemptsMade = { readonly name: string; readonly attempts: number };

/** By each dispatcher's own count. */
function attemptsBy({ stack }: TestStack): Promise<readonly AttemptsMade[]> {
  const instances = stack.instances.filter(({ service }) => service === "dispatcher");
  return Promise.all(
    instances.map(async ({ name, httpPort }) => {
      const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
      const lines = text.split("\n").filter((line) => line.startsWith("posthorn_attempts_total{"));
      return { name, attempts: lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0) };
    }),
  );
}
