/** How many events per second are accepted, each of them durable, when no webhook is for them. */

import type { TestStack } from "../../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../../tenant.ts";
import { ACCEPT_BATCHES_AT_ONCE, publishBatches } from "../load/batches.ts";
import { publishStreams } from "../load/grpc-streams.ts";
import { openPublisher } from "../load/http-publisher.ts";
import { CONNECTIONS, makeSingleRequests } from "../load/single-requests.ts";
import { openHistory } from "../measure/history.ts";
import { costsPer, startMeter } from "../measure/meter.ts";
import type { Aim, BenchContext, Figure, Scenario, ScenarioResult, Size } from "../scenario.ts";

const SECONDS: Readonly<Record<Size, number>> = { full: 15, quick: 4, smoke: 1 };
const SINGLE_PER_SECOND_MIN = 8_000;
const TOGETHER_PER_SECOND_MIN = 20_000;
const STREAM_MESSAGE_EVENTS = 25;

type Way = "single" | "batch" | "stream" | "stream-one";

/** `perSecondMin` is what is aimed at. */
const WAYS: Readonly<Record<Way, { readonly describe: string; readonly perSecondMin?: number }>> = {
  single: { describe: "one event per HTTP request, 64 connections", perSecondMin: SINGLE_PER_SECOND_MIN },
  batch: { describe: "HTTP batches of 100", perSecondMin: TOGETHER_PER_SECOND_MIN },
  stream: {
    describe: `two gRPC streams, ${STREAM_MESSAGE_EVENTS} to a message`,
    perSecondMin: TOGETHER_PER_SECOND_MIN,
  },
  // Half of what it takes is the publisher's.
  "stream-one": { describe: "two gRPC streams, one to a message" },
};

/** @param withIds gives every event a caller's id: such events travel alone, one to a message. */
export function accept(way: Way, withIds: boolean): Scenario {
  const { describe, perSecondMin } = WAYS[way];
  const name = `accept-${way}${withIds ? "-ids" : ""}`;
  return {
    name,
    describe: `events/s accepted with nothing matching: ${describe}${withIds ? ", each with a caller's id" : ""}`,
    isDefault: false,
    run: (context) =>
      context.withStack({}, async (stack) => {
        const tenant = await createTenant(stack, name);
        await tenant.subscribe({ url: context.receiver.url, events: ["nothing.like.it"] });
        const aim = perSecondMin === undefined ? {} : { aim: { kind: "at-least", value: perSecondMin } as const };
        return measure(name, context, stack, tenant, { way, ...aim, ...(withIds ? { idPrefix: `${name}-` } : {}) });
      }),
  };
}

type Load = { readonly way: Way; readonly aim?: Aim; readonly idPrefix?: string };

async function measure(
  name: string,
  context: BenchContext,
  stack: TestStack,
  tenant: Tenant,
  load: Load,
): Promise<ScenarioResult> {
  await using history = openHistory(stack, tenant);
  const stop = startMeter({ ...stack.stack.pids(), receiver: context.receiver.pid });
  const { accepted, perSecond, more } = await publish(context, stack, tenant, load);
  const metered = stop();
  const startedMs = performance.now();
  // Requests that wrk broke off at its end may be stored beyond those that it counted.
  const stored = await history.holdsEvents(accepted);
  if (stored > accepted + CONNECTIONS) throw new Error(`${accepted} events were accepted, but ${stored} are stored`);
  return {
    name,
    figures: [
      { name: "events", value: perSecond, unit: "/s", ...(load.aim === undefined ? {} : { aim: load.aim }) },
      ...more,
      { name: "all of them in the history after", value: (performance.now() - startedMs) / 1_000, unit: "s" },
    ],
    costs: costsPer("event", accepted, metered),
  };
}

type Published = { readonly accepted: number; readonly perSecond: number; readonly more: readonly Figure[] };

async function publish(context: BenchContext, stack: TestStack, tenant: Tenant, load: Load): Promise<Published> {
  const forMs = SECONDS[context.size] * 1_000;
  const prefix = load.idPrefix === undefined ? {} : { idPrefix: load.idPrefix };
  switch (load.way) {
    case "single": {
      const url = `${stack.stack.ingestUrl}/v1/orgs/${tenant.orgId}/events`;
      const made = await makeSingleRequests(context.wrk, { url, key: tenant.key, forMs, ...prefix });
      const more: readonly Figure[] = [
        { name: "answer p50", value: made.p50Ms, unit: "ms" },
        { name: "answer p99", value: made.p99Ms, unit: "ms" },
      ];
      return { ...made, more };
    }
    case "batch": {
      await using publisher = openPublisher(stack, tenant, ACCEPT_BATCHES_AT_ONCE);
      return { ...(await publishBatches(publisher, { forMs, ...prefix })), more: [] };
    }
    case "stream":
      return {
        ...(await publishStreams(stack, tenant, { forMs, eventsPerMessage: STREAM_MESSAGE_EVENTS, ...prefix })),
        more: [],
      };
    case "stream-one":
      return { ...(await publishStreams(stack, tenant, { forMs, eventsPerMessage: 1, ...prefix })), more: [] };
    default:
      return load.way satisfies never;
  }
}
