/** A projector: its partitions and its answers to the fence, as they are, on the modelled tables. */

import type { OutcomesRequest, OutcomesResponse } from "@posthorn/contracts";
import { createProjectorEvents } from "../../services/projector/src/events.ts";
import { answerOutcomes } from "../../services/projector/src/handlers/answer-outcomes.ts";
import { PartitionProjector } from "../../services/projector/src/handlers/project-partition.ts";
import { CheckpointWatch } from "../../services/projector/src/io/checkpoint-watch.ts";
import { progressReader } from "../../services/projector/src/io/delivery-progress.ts";
import { NO_METRICS, SILENT_LOG } from "./silent-events.ts";
import { type Process, startProcess, type World } from "./world.ts";

export type ProjectorProcess = Process & {
  readonly answer: (request: OutcomesRequest, remainingMs: number) => Promise<OutcomesResponse>;
};

export function runProjector(world: World, name: string): ProjectorProcess {
  const { database, observed, trace, partitions } = world;
  const base = createProjectorEvents(SILENT_LOG, NO_METRICS);
  const events: typeof base = {
    ...base,
    projected: ({ partition, messages, repeats }) => {
      const last = messages.at(-1)?.sequence;
      trace.add(() => `${name} projected partition ${partition} up to ${last}, ${repeats} repeats`);
      for (const { content } of messages) {
        if (content.kind === "undecodable") observed.bug(`${name} set a message aside: ${content.reason}`);
      }
    },
    overtaken: (partition) => trace.add(() => `${name} was overtaken in partition ${partition}`),
    failed: (partition, error) => trace.add(() => `${name} failed in partition ${partition}: ${String(error)}`),
    distrusted: (partition, reason) => observed.bug(`${name} distrusts partition ${partition}: ${reason}`),
  };
  const watches: CheckpointWatch[] = [];
  const process = startProcess(world, name, async ({ actor, connection: bus }) => {
    const pool = database.poolOf(actor);
    const watch = new CheckpointWatch(pool);
    watches.push(watch);
    const connection = bus.asConnection();
    for (const partition of partitions) new PartitionProjector(partition, { pool, connection, watch, events });
  });
  return {
    ...process,
    answer: async (request, remainingMs) => {
      const [watch] = watches;
      if (watch === undefined) throw new Error("the projector has not started yet");
      const readProgress = progressReader(database.poolOf(process.actor));
      const result = await answerOutcomes(request, remainingMs, { watch, readProgress, events });
      if (result.kind === "refusal") throw new Error(result.detail);
      return result.response;
    },
  };
}
