/** A backlog while the dispatcher stands still: what every service takes of memory, and how fast it is drained then. */

import type { TestStack } from "../../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../../tenant.ts";
import { ACCEPT_BATCH_EVENTS, ACCEPT_BATCHES_AT_ONCE } from "../load/batches.ts";
import { batchOf, dataOf, eventOf } from "../load/bench-event.ts";
import { openPublisher } from "../load/http-publisher.ts";
import { openHistory } from "../measure/history.ts";
import { costsPer, type Metered, startMeter } from "../measure/meter.ts";
import { type ByProcess, memoryMbOf } from "../process-usage.ts";
import { type BenchContext, type Figure, figureOf, type Scenario } from "../scenario.ts";
import { DELIVERIES_PER_SECOND } from "./sustained.ts";

const NAME = "backlog";
/** Parts of the backlog after each of which the memory is looked at. */
const PARTS = 4;
/** What a service may hold more at the end of the backlog than at its half: noise of the collector, not the backlog. */
const GROWTH_MB_MAX = 40;

export const backlog: Scenario = {
  name: NAME,
  describe: "500,000 events while the dispatcher is stopped, then drained (--backlog-events)",
  isDefault: false,
  run: (context) =>
    context.withStack({}, async (stack) => {
      const tenant = await createTenant(stack, NAME);
      await tenant.subscribe({ url: context.receiver.url, events: ["bench.*"] });
      await using history = openHistory(stack, tenant);
      // Frozen and not killed: whatever dies is started again within two seconds.
      stack.stack.kill("dispatcher", "SIGSTOP");
      const events = context.amounts.backlogEvents;
      const memory: ByProcess[] = [];
      let published = 0;
      let stop: () => Metered;
      try {
        for (let part = 1; part <= PARTS; part += 1) {
          published += await publish(stack, tenant, Math.ceil((events * part) / PARTS) - published);
          await history.holdsDeliveries(published);
          memory.push(memoryMbOf(stack.stack.pids()));
        }
        stop = startMeter({ ...stack.stack.pids(), receiver: context.receiver.pid });
      } finally {
        stack.stack.kill("dispatcher", "SIGCONT");
      }
      await history.complete(published);
      const metered = stop();
      memory.push(memoryMbOf(stack.stack.pids()));
      return {
        name: NAME,
        figures: [...figuresOf(context, published, metered.tookMs), ...memoryFigures(memory)],
        costs: costsPer("delivery", published, metered),
      };
    }),
};

function figuresOf(context: BenchContext, events: number, drainMs: number): readonly Figure[] {
  const sustained = figureOf(context.resultOf("sustained-1"), DELIVERIES_PER_SECOND);
  const drained: Figure = { name: "drained deliveries", value: (events * 1_000) / drainMs, unit: "/s" };
  return [
    { name: "events in the backlog", value: events, unit: "" },
    sustained === undefined ? drained : { ...drained, aim: { kind: "at-least", value: sustained } },
  ];
}

/** @param memory by process, after each part and after the drain. */
function memoryFigures(memory: readonly ByProcess[]): readonly Figure[] {
  const [half, whole, drained] = [memory[PARTS / 2 - 1] ?? {}, memory[PARTS - 1] ?? {}, memory[PARTS] ?? {}];
  const names = Object.keys(whole);
  const growth = names.map((name) => (whole[name] ?? 0) - (half[name] ?? 0));
  return [
    {
      name: "most that one process grew from half to all of it",
      value: Math.max(...growth),
      unit: "MB",
      aim: { kind: "at-most", value: GROWTH_MB_MAX },
    },
    ...names.flatMap((name): Figure[] => [
      { name: `${name} with half of the backlog`, value: half[name] ?? 0, unit: "MB" },
      { name: `${name} with all of it`, value: whole[name] ?? 0, unit: "MB" },
      { name: `${name} when it is drained`, value: drained[name] ?? 0, unit: "MB" },
    ]),
  ];
}

/** As many as one request may hold, several requests at a time. @returns how many: whole batches. */
async function publish(stack: TestStack, tenant: Tenant, events: number): Promise<number> {
  await using publisher = openPublisher(stack, tenant, ACCEPT_BATCHES_AT_ONCE);
  const batch = Buffer.from(batchOf(Array.from({ length: ACCEPT_BATCH_EVENTS }, () => eventOf(dataOf()))));
  let published = 0;
  const loop = async () => {
    while (published < events) {
      published += ACCEPT_BATCH_EVENTS;
      await publisher.publishBatch(batch);
    }
  };
  await Promise.all(Array.from({ length: ACCEPT_BATCHES_AT_ONCE }, loop));
  return published;
}
